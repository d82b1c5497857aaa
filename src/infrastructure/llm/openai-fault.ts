import { Fault } from "#domain/shared/fault.ts";

export interface OpenAiService {
  readonly model: string;
  /** Host and port, for people. */
  readonly host: string;
  readonly apiKey: string | undefined;
}

const MAX_DETAIL_CHARS = 300;

/**
 * The `Fault` that `error` stands for: one sentence, never with the key. What is no failure of the
 * service, but a bug, comes back as it is. Tells the SDK's errors by their form, to load no SDK.
 */
export function toFault(error: unknown, service: OpenAiService): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof SyntaxError) return unreadable(service);
  if (error instanceof TypeError && error.cause !== undefined) return cutOff(service);
  if (!("status" in error)) return error;
  if (typeof error.status === "number") return fromStatus(error.status, error, service);
  const isSaidByService = "error" in error && error.error !== undefined;
  return isSaidByService ? failedMidway(error, service) : unreachable(error, service);
}

function fromStatus(status: number, error: Error, service: OpenAiService): Fault {
  const { model, host } = service;
  const said = `${host} said: ${detailOf(error, service)}`;
  if (status === 401 || status === 403) {
    const message = `${host} refused the key for model "${model}" (${status}): check OPENAI_API_KEY`;
    return new Fault("LLM_UNAUTHORIZED", message);
  }
  if (status === 404) return new Fault("LLM_REFUSED", `Cannot find model "${model}": ${said}`);
  if (status === 408)
    return new Fault("LLM_TIMEOUT", `Model "${model}" did not answer in time: ${said}`);
  if (status === 429)
    return new Fault("LLM_RATE_LIMITED", `Model "${model}" asks for a pause: ${said}`);
  if (status >= 500)
    return new Fault("LLM_UNAVAILABLE", `Model "${model}" is not available: ${said}`);
  return new Fault("LLM_REFUSED", `Model "${model}" refused the request: ${said}`);
}

function failedMidway(error: Error, service: OpenAiService): Fault {
  const detail = detailOf(error, service);
  return new Fault(
    "LLM_UNAVAILABLE",
    `Model "${service.model}" failed in mid-answer: ${service.host} said: ${detail}`,
  );
}

function unreadable({ model, host }: OpenAiService): Fault {
  return new Fault("LLM_BAD_ANSWER", `Cannot read the answer of model "${model}" from ${host}`);
}

/** The answer's stream ended before the answer did. */
export function cutOff({ model }: OpenAiService): Fault {
  return new Fault("LLM_BAD_ANSWER", `The answer of model "${model}" was cut off`);
}

function unreachable(error: Error, { model, host }: OpenAiService): Fault {
  const reason = systemCodeOf(error) ?? "the connection failed";
  return new Fault("LLM_UNAVAILABLE", `Cannot reach model "${model}" at ${host}: ${reason}`);
}

/** The code of the error at the bottom of the chain, as `ECONNREFUSED`. */
function systemCodeOf(error: unknown): string | undefined {
  let code: string | undefined;
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") code = at.code;
  }
  return code;
}

function detailOf(error: Error, { apiKey }: OpenAiService): string {
  const line = error.message.replaceAll(/\s+/gu, " ").trim();
  const safe = apiKey === undefined ? line : line.replaceAll(apiKey, "[redacted]");
  return safe.length <= MAX_DETAIL_CHARS ? safe : `${safe.slice(0, MAX_DETAIL_CHARS)}…`;
}
