import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as OTLP's JSON has it, its attributes as plain values. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan extends Omit<CollectedSpan, "attributes" | "ms"> {
  readonly attributes: readonly OtlpAttribute[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

/** A collector of traces that speaks OTLP over HTTP, in JSON. */
export class TraceCollector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly services = new Set<unknown>();
  /** Everything it was sent. */
  readonly bodies: string[] = [];
  readonly headers: Record<string, unknown>[] = [];
  #wake = Promise.withResolvers<void>();
  readonly #server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      this.headers.push(request.headers);
      this.bodies.push(body);
      this.#take(JSON.parse(body) as OtlpTraces);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });

  static async open(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The spans that fit, when there are so many. */
  async find(count: number, fits: (span: CollectedSpan) => boolean) {
    for (;;) {
      const found = this.spans.filter(fits);
      if (found.length >= count) return found;
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #take({ resourceSpans }: OtlpTraces): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(toPlain(resource.attributes)["service.name"]);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const { attributes, startTimeUnixNano: start, endTimeUnixNano: end, ...rest } = span;
        const ms = Number(BigInt(end) - BigInt(start)) / 1e6;
        this.spans.push({ ...rest, attributes: toPlain(attributes), ms });
      }
    }
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

function toPlain(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.doubleValue ?? value.boolValue ?? Number(value.intValue),
    ]),
  );
}
