import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, RandomIdGenerator, TracerProvider } from "@opentelemetry/sdk-trace";
import type { ModelCallId, TaskId, TurnId } from "#domain/shared/id.ts";
import { spanIdOf, traceIdOf } from "./trace-ids.ts";
import { TurnTracer } from "./turn-tracer.ts";

export interface TracingOptions {
  /** Of an OTLP collector, without the path. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Model services and MCP servers over HTTP are told which trace and span a request belongs to. */
  readonly isPropagated: boolean;
}

const DELAY_MS = 1_000;
const EXPORT_MS = 10_000;
const MAX_WAITING = 4_096;

/**
 * Sends spans to an OTLP collector in the background. Where that takes none, or too few, they are
 * dropped.
 */
export function openTracer(
  { endpoint, headers, serviceName }: TracingOptions,
  mask: (text: string) => string,
): TurnTracer {
  const ids = new TurnTraceIds();
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/u, "")}/v1/traces`,
    headers,
    timeoutMillis: EXPORT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: DELAY_MS,
        exportTimeoutMillis: EXPORT_MS,
        maxQueueSize: MAX_WAITING,
      }),
    ],
  });
  return new TurnTracer({
    tracer: provider.getTracer("nexflow"),
    mask,
    useTraceOf: (turnId) => ids.useTrace(turnId),
    useSpanOf: (partId) => ids.useSpan(partId),
    flush: () => void provider.forceFlush({ timeoutMillis: EXPORT_MS }).catch(() => undefined),
  });
}

/** Traces and spans have the ids of what they tell: each can be found by the other. */
class TurnTraceIds {
  readonly #random = new RandomIdGenerator();
  #trace: string | undefined;
  #span: string | undefined;

  useTrace(turnId: TurnId): void {
    this.#trace = traceIdOf(turnId);
  }

  /** For one span. */
  useSpan(partId: ModelCallId | TaskId): void {
    this.#span = spanIdOf(partId);
  }

  generateTraceId(): string {
    return this.#trace ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    const span = this.#span ?? this.#random.generateSpanId();
    this.#span = undefined;
    return span;
  }
}
