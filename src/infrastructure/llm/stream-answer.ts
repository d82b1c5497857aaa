import type { LlmEvent } from "#application/ports/llm.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { Answer, AnswerMeter } from "./answer.ts";
import { AnswerGuard } from "./answer-guard.ts";
import { EventReader } from "./event-reader.ts";
import { type Exchange, ServiceResponse } from "./exchange.ts";
import {
  cutOff,
  expired,
  type ModelService,
  notAStream,
  ServiceComplaint,
  toFault,
} from "./model-fault.ts";
import { prepareModelFetch } from "./model-fetch.ts";
import type { ModelLimits } from "./model-limits.ts";

const MAX_COMPLAINT_CHARS = 65_536;
/** The first word is told at once; those behind it a little at a time, as nobody reads faster. */
const GATHER_MS = 5;
/** The service did not say. */
const UNKNOWN: TokenUsage = { inputTokens: 0, outputTokens: 0 };

export interface Attempt {
  readonly service: ModelService;
  readonly limits: ModelLimits;
  readonly format: "sse" | "lines";
  readonly answer: Answer;
  /** Counts what comes of it. */
  readonly meter: AnswerMeter;
  /** Loads the service's SDK, of which no time is held against the service. */
  readonly load: () => Promise<unknown>;
  /** Sends the request by the SDK, which was given `modelFetch`. */
  readonly ask: (signal: AbortSignal) => Promise<Response>;
}

/** One attempt at an answer, within its limits: ends with `finished`, a `Fault`, or the signal. */
export async function* streamAnswer(
  attempt: Attempt,
  signal: AbortSignal,
): AsyncGenerator<LlmEvent> {
  const { service, limits, answer, meter } = attempt;
  if (signal.aborted || !(loaded.has(attempt.load) || (await hasLoaded(attempt, signal)))) return;
  const guard = new AnswerGuard(signal, limits);
  let exchange: Exchange | undefined;
  let told: TokenUsage | undefined;
  let hasCalls = false;
  try {
    exchange = await begin(attempt, guard.signal);
    const reader = new EventReader(attempt.format, limits);
    for (let isOver = false; !isOver && !answer.isDone; ) {
      const bytes = await exchange.read(meter.chars > 0 ? GATHER_MS : 0);
      isOver = bytes === undefined;
      const charsBefore = meter.chars;
      const batch = readBatch(answer, bytes === undefined ? reader.end() : reader.push(bytes));
      for (const event of batch.events) {
        guard.hold();
        hasCalls ||= event.kind === "tool-call";
        yield event;
        guard.release();
        if (signal.aborted) return;
      }
      if (batch.failure !== undefined) throw batch.failure.error;
      if (meter.chars > charsBefore) guard.progress();
      if (answer.usage !== told && answer.ending === undefined) {
        told = answer.usage;
        if (told !== undefined) yield { kind: "usage", usage: told };
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    // Once the model has said how it ended, nothing is lost but counts.
    if (answer.ending === undefined) {
      if (answer.usage !== undefined && answer.usage !== told) {
        yield { kind: "usage", usage: answer.usage };
      }
      if (guard.expiry !== undefined) throw expired(guard.expiry, service);
      throw toFault(error, service, exchange !== undefined);
    }
  } finally {
    guard.close();
    if (answer.isDone && !signal.aborted) exchange?.leave();
    else exchange?.abort();
  }
  if (answer.ending === undefined) throw cutOff(service);
  for (const event of answer.end()) {
    if (signal.aborted) return;
    hasCalls ||= event.kind === "tool-call";
    yield event;
  }
  if (signal.aborted) return;
  const reason = hasCalls && answer.ending === "stop" ? "tool-calls" : answer.ending;
  yield { kind: "finished", reason, usage: answer.usage ?? UNKNOWN };
}

/** What has been loaded before. */
const loaded = new WeakSet<Attempt["load"]>();

/** False where `signal` came before: loading cannot be stopped. */
async function hasLoaded({ load }: Attempt, signal: AbortSignal): Promise<boolean> {
  const aborted = Promise.withResolvers<false>();
  const onAbort = () => aborted.resolve(false);
  signal.addEventListener("abort", onAbort);
  try {
    const loading = Promise.all([load(), prepareModelFetch()]).then(() => {
      loaded.add(load);
      return true;
    });
    return await Promise.race([loading, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function begin({ service, format, ask }: Attempt, signal: AbortSignal): Promise<Exchange> {
  const response = await ask(signal);
  if (!(response instanceof ServiceResponse)) throw new TypeError("Expected our own response");
  const { exchange } = response;
  const contentType = response.headers.get("content-type") ?? "";
  if (contentType.startsWith("text/html")) {
    exchange.abort();
    throw notAStream(service, "a web page");
  }
  if (format === "sse" && contentType.startsWith("application/json")) {
    throw new ServiceComplaint("", await beginningOf(exchange));
  }
  return exchange;
}

/** Some services say in a success that there is none. */
async function beginningOf(exchange: Exchange): Promise<string> {
  let body = "";
  for (let piece = await exchange.read(); piece !== undefined; piece = await exchange.read()) {
    body += piece.toString("latin1");
    if (body.length > MAX_COMPLAINT_CHARS) break;
  }
  exchange.abort();
  return Buffer.from(body, "latin1").toString("utf8");
}

interface Batch {
  readonly events: readonly LlmEvent[];
  /** What came behind them could not be read. */
  readonly failure?: { readonly error: unknown };
}

/** What came in one piece is told in one piece: each event costs something on its further way. */
function readBatch(answer: Answer, batch: readonly string[]): Batch {
  const events: LlmEvent[] = [];
  try {
    for (const data of batch) for (const event of answer.add(data)) append(events, event);
  } catch (error) {
    // Text where the service's own description has an object, for instance.
    const isOdd = error instanceof TypeError;
    return { events, failure: { error: isOdd ? new SyntaxError("Cannot read an event") : error } };
  }
  return { events };
}

function append(events: LlmEvent[], event: LlmEvent): void {
  const last = events.at(-1);
  const goesOn = (event.kind === "text" || event.kind === "reasoning") && last?.kind === event.kind;
  if (goesOn) events[events.length - 1] = { kind: event.kind, delta: last.delta + event.delta };
  else events.push(event);
}
