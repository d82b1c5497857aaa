import { type ApiDocument, findDeviation, readDocument } from "./api-document.ts";
import { TOKEN } from "./fakes/gateway-use-cases.ts";
import type { TestGateway } from "./gateway-client.ts";

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

const documents = new WeakMap<TestGateway, ApiDocument>();

/**
 * One call, as Ada unless told otherwise. Throws where the answer is not as the OpenAPI document
 * of the gateway has it.
 */
export async function call(server: TestGateway, path: string, options: CallOptions = {}) {
  const { method = "GET", body, headers = {} } = options;
  const token = "token" in options ? options.token : TOKEN;
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const json = type.includes("json") ? JSON.parse(text) : undefined;
  const { status } = response;
  if (path.startsWith("/api/v1/")) {
    const document = documents.get(server) ?? readDocument(server.useCases);
    documents.set(server, document);
    const [route = ""] = path.slice("/api/v1".length).split("?");
    const shown = method === "HEAD" ? "GET" : method;
    const given = { method: shown, path: route, status, type, body: json };
    const deviation = findDeviation(document, given);
    if (deviation !== undefined) throw new Error(deviation);
  }
  return { response, status, text, json };
}

/** The options of a message under a key. */
export const message = (key: string, text = "hi") => ({
  method: "POST",
  headers: { "idempotency-key": key },
  body: { text },
});
