import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import type { Expiry } from "./answer-guard.ts";
import { TooLong } from "./event-reader.ts";
import { BrokenLine, ServiceRefusal } from "./exchange.ts";
import { detailFrom, statusOfWord } from "./service-words.ts";

export interface ModelService {
  /** `<provider>/<model>` */
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  /** Host and port, for people. */
  readonly host: string;
  readonly apiKey: string | undefined;
  readonly keyVariable: string;
}

/** What a service says in the middle of a stream instead of going on. */
export class ServiceComplaint extends Error {
  override readonly name = "ServiceComplaint";
  /** The service's word for it, as `overloaded_error`. */
  readonly word: string;

  constructor(word: string, message: string) {
    super(message);
    this.word = word;
  }
}

/** What the data of an event says in place of an answer. */
export function complaintIn(data: string): ServiceComplaint {
  return new ServiceComplaint("", data);
}

/**
 * The `Fault` that `error` stands for: one sentence, never with the key. What is no failure of the
 * service, but a bug, comes back as it is.
 */
export function toFault(error: unknown, service: ModelService, hasBegun: boolean): Error {
  const cause = innermost(error);
  if (cause instanceof Fault) return cause;
  if (cause instanceof ServiceRefusal) return refused(cause, service);
  if (cause instanceof ServiceComplaint) return complained(cause, service);
  if (cause instanceof SyntaxError) return unreadable(service);
  if (cause instanceof TooLong) return tooLong(service);
  if (cause instanceof BrokenLine) return hasBegun ? cutOff(service) : unreachable(cause, service);
  return error instanceof Error ? error : new Error(String(error));
}

/** The answer's stream ended before the answer did. */
export function cutOff({ name }: ModelService): Fault {
  return new Fault("LLM_BAD_ANSWER", `The answer of model "${name}" was cut off`);
}

/** Without the parser's own message: it quotes what came, which may hold a key. */
function unreadable({ name, host }: ModelService): Fault {
  const message = `Cannot read the answer of model "${name}" from ${host}: expected events of JSON`;
  return new Fault("LLM_BAD_ANSWER", message);
}

function tooLong({ name }: ModelService): Fault {
  const message = `The answer of model "${name}" is longer than allowed`;
  return new Fault("LLM_BAD_ANSWER", message);
}

export function expired({ kind, limitMs }: Expiry, { name }: ModelService): Fault {
  const after = `${limitMs / 1_000} s`;
  const message =
    kind === "stalled"
      ? `Model "${name}" said nothing for ${after}`
      : `The answer of model "${name}" took longer than ${after}`;
  return new Fault("LLM_TIMEOUT", message);
}

/** What came instead of a stream, as `text/html`. */
export function notAStream(service: ModelService, contentType: string): Fault {
  const { name, host } = service;
  const message = `Cannot read the answer of model "${name}": ${host} sent ${contentType}`;
  return new Fault("LLM_BAD_ANSWER", `${message}, expected a stream of events`);
}

function refused({ status, retryAfterMs, body }: ServiceRefusal, service: ModelService): Fault {
  const { word, message } = detailFrom(body, service);
  return fromStatus(isSpent(word, message) ? 402 : status, message, service, retryAfterMs);
}

function complained({ word, message }: ServiceComplaint, service: ModelService): Fault {
  const { word: inBody, message: detail } = detailFrom(message, service);
  const words = `${word} ${inBody}`.trim();
  const status = isSpent(words, detail) ? 402 : statusOfWord(words);
  if (status !== undefined) return fromStatus(status, detail, service);
  const failed = `Model "${service.name}" failed in mid-answer: ${service.host} said: ${detail}`;
  return new Fault("LLM_UNAVAILABLE", failed);
}

/** A pause does not help where there is nothing left to spend. */
function isSpent(word: string, message: string): boolean {
  return /insufficient_quota|billing|credit balance/iu.test(`${word} ${message}`);
}

function fromStatus(
  status: number,
  detail: string,
  { name, host, keyVariable }: ModelService,
  retryAfterMs?: number,
): Fault {
  const said = `${host} said: ${detail}`;
  const fault = (code: FaultCode, message: string) => new Fault(code, message, { retryAfterMs });
  if (status === 401 || status === 403) {
    const message = `${host} refused the key for model "${name}" (${status}): check ${keyVariable}`;
    return fault("LLM_UNAUTHORIZED", message);
  }
  if (status === 402) {
    const message = `The account behind ${keyVariable} has nothing left for model "${name}" at ${host}`;
    return fault("LLM_UNAUTHORIZED", message);
  }
  if (status === 404) return fault("LLM_REFUSED", `Cannot find model "${name}": ${said}`);
  if (status === 408)
    return fault("LLM_TIMEOUT", `Model "${name}" did not answer in time: ${said}`);
  if (status === 429) return fault("LLM_RATE_LIMITED", `Model "${name}" asks for a pause: ${said}`);
  if (status >= 500) return fault("LLM_UNAVAILABLE", `Model "${name}" is not available: ${said}`);
  return fault("LLM_REFUSED", `Model "${name}" refused the request (${status}): ${said}`);
}

function unreachable({ reason }: BrokenLine, { name, host }: ModelService): Fault {
  return new Fault("LLM_UNAVAILABLE", `Cannot reach model "${name}" at ${host}: ${reason}`);
}

/** SDKs wrap what the connection threw. */
function innermost(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error && !isOurs(at)) at = at.cause;
  return at;
}

function isOurs(error: Error): boolean {
  return error instanceof SyntaxError || error instanceof Fault;
}
