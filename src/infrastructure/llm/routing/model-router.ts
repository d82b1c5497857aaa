import type { After, NowMs } from "#application/ports/clock.ts";
import type { AdmitNext, Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { parseModelName } from "#domain/model/model-name.ts";
import { Fault, toFailure } from "#domain/shared/fault.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import { isAllowed } from "./allowed-models.ts";
import { AnswerTally } from "./answer-tally.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import { KeyRing } from "./key-ring.ts";
import type { ModelSettings } from "./model-settings.ts";
import { type NextAttempt, planNext } from "./next-attempt.ts";
import { resolveChain } from "./resolve-chain.ts";
import { type SlotResult, Slots } from "./slots.ts";

/**
 * Opens a model of a known provider. Throws `Fault` (`CONFIG_INVALID`) where it lacks something,
 * such as its key.
 */
export type OpenModel = (model: string, apiKey: string | undefined, settings: ModelSettings) => Llm;

export interface ModelRouterDeps {
  /** As they are now: the same object as long as nothing has changed. */
  readonly settings: () => ModelSettings;
  /** The model of requests that name none. */
  readonly defaultModel: () => string;
  readonly openModel: OpenModel;
  /** The keys of a provider, the first one first. */
  readonly keysOf: (provider: string) => readonly string[];
  readonly nowMs: NowMs;
  readonly after: After;
  /** From 0 up to 1. */
  readonly random: () => number;
}

type AttemptEnd =
  | { readonly kind: "answered" }
  /** The caller's signal has ended it. */
  | { readonly kind: "aborted"; readonly usage?: TokenUsage }
  | (FailedEnd & { readonly kind: "failed" });

interface FailedEnd {
  readonly fault: Fault;
  readonly usage: TokenUsage;
  readonly wasMade: boolean;
  /** Keys that can be used at once. */
  readonly otherKeys: number;
}

/** Who is asked, and whose word it is that comes of it. */
interface Asked {
  readonly model: string;
  readonly breaker: Breaker;
  readonly ring: KeyRing;
  readonly index: number;
  readonly key: string | undefined;
}

type FinishedEvent = Extract<LlmEvent, { readonly kind: "finished" }>;

/** There are at most nine keys of a provider. */
const MAX_ROTATIONS = 8;
const REMEMBERED_MOST = 1_000;
const NO_TOKENS: TokenUsage = { inputTokens: 0, outputTokens: 0 };
/** Failures that say that a model is not well. */
const ILL: ReadonlySet<string> = new Set(["LLM_UNAVAILABLE", "LLM_TIMEOUT", "LLM_BAD_ANSWER"]);

/**
 * Has a request answered by its model or, where that fails, by the next of its chain; `planNext`
 * says which failure is followed by what. Tool calls are given when their answer is whole: those of
 * a failed attempt are never seen. What it has learned of models, keys and places is its own: each
 * agent thread has one router, and learns for itself.
 */
export class ModelRouter implements Llm {
  readonly #deps: ModelRouterDeps;
  readonly #breakers = new Map<string, Breaker>();
  readonly #rings = new Map<string, KeyRing>();
  readonly #slots = new Map<string, Slots>();
  #models = new Map<string, Llm>();
  #settings: ModelSettings | undefined;

  constructor(deps: ModelRouterDeps) {
    this.#deps = deps;
  }

  get name(): string {
    return this.#deps.defaultModel();
  }

  /** How it stands with the models that were asked, those it leaves alone first. */
  breakers(): readonly { readonly model: string; readonly state: BreakerState }[] {
    const nowMs = this.#deps.nowMs();
    const all = [...this.#breakers].map(([model, breaker]) => {
      return { model, state: breaker.stateAt(nowMs) };
    });
    return [
      ...all.filter(({ state }) => state !== "closed"),
      ...all.filter(({ state }) => state === "closed"),
    ];
  }

  async *stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    const settings = this.#readSettings();
    const name = request.model ?? this.name;
    const chain = resolveChain(name, settings);
    if (!isAllowed(name, settings, this.name)) throw notAllowed(name);
    const { limits } = settings;
    let bounds: Awaited<ReturnType<AdmitNext>> | undefined;
    let [place, retries, rotations] = [0, 0, 0];
    for (;;) {
      const { model, reasoning } = chain[place] ?? chain[0];
      const asked = { ...request, reasoning: request.reasoning ?? reasoning, ...bounds };
      const end = yield* this.#attempt(model, asked, signal);
      if (end.kind === "answered") return;
      if (end.kind === "aborted") {
        if (end.usage !== undefined) yield { kind: "usage", usage: end.usage };
        return;
      }
      const hasFallback = place + 1 < chain.length;
      const hasKey = end.otherKeys > 0 && rotations < MAX_ROTATIONS;
      const failed = { ...end, retries, hasKey, hasFallback };
      const next = planNext(failed, limits, this.#deps.random);
      if (next.kind === "give-up") {
        yield { kind: "usage", usage: end.usage };
        throw withTime(end.fault);
      }
      if (next.kind === "next-key") rotations += 1;
      if (next.kind === "retry") [retries, rotations] = [retries + 1, 0];
      if (next.kind === "fallback") [place, retries, rotations] = [place + 1, 0, 0];
      const { model: nextModel } = chain[place] ?? chain[0];
      const waitMs = waitOf(next);
      const { fault, usage } = end;
      const following = { model: nextModel, waitMs };
      yield { kind: "attempt-failed", model, failure: toFailure(fault), usage, next: following };
      if (!(await this.#wait(waitMs, signal))) return;
      bounds = await request.admitNext?.(nextModel);
      if (signal.aborted) return;
    }
  }

  /** Asks `model` once, unless it is to be left alone or has no place free. */
  async *#attempt(
    model: string,
    request: LlmRequest,
    signal: AbortSignal,
  ): AsyncGenerator<LlmEvent, AttemptEnd> {
    const { provider } = parseModelName(model);
    const breaker = this.#breakerOf(model);
    const pausedMs = breaker.enter(this.#deps.nowMs(), this.#readSettings().limits.breaker);
    if (pausedMs > 0) return notMade(paused(model, pausedMs));
    try {
      const slot = await this.#takeSlot(provider, signal);
      if (slot.kind === "aborted") return { kind: "aborted" };
      if (slot.kind !== "taken") return notMade(crowded(model, provider, slot));
      try {
        const ring = this.#ringOf(provider);
        const pick = ring.pick(model, this.#deps.nowMs());
        if (pick.kind === "parked") return notMade(parked(model, pick.forMs));
        return yield* this.#ask({ model, breaker, ring, ...pick }, request, signal);
      } finally {
        slot.release();
      }
    } finally {
      breaker.left(this.#deps.nowMs());
    }
  }

  async *#ask(
    { model, breaker, ring, index, key }: Asked,
    request: LlmRequest,
    signal: AbortSignal,
  ): AsyncGenerator<LlmEvent, AttemptEnd> {
    const tally = new AnswerTally(request, model);
    let finished: FinishedEvent | undefined;
    try {
      for await (const event of this.#open(model, index, key).stream(request, signal)) {
        if (event.kind === "finished") {
          finished = event;
          break;
        }
        if (tally.add(event)) yield event;
      }
      if (finished === undefined && !signal.aborted) throw cutOff(model);
    } catch (error) {
      if (!signal.aborted && !(error instanceof Fault)) throw error;
      if (!signal.aborted && error instanceof Fault) {
        const { limits } = this.#readSettings();
        if (ILL.has(error.code)) breaker.failed(this.#deps.nowMs(), limits.breaker);
        return this.#failed(error, tally, { model, ring, index });
      }
    }
    if (finished === undefined) return { kind: "aborted", usage: tally.part(true) };
    breaker.succeeded();
    ring.accept(index, model);
    yield* tally.takeCalls();
    yield { ...finished, model, usage: tally.whole(finished.usage) };
    return { kind: "answered" };
  }

  #failed(
    fault: Fault,
    tally: AnswerTally,
    { model, ring, index }: Pick<Asked, "model" | "ring" | "index">,
  ): AttemptEnd {
    const nowMs = this.#deps.nowMs();
    const { maxWaitMs, keyPauseMs } = this.#readSettings().limits;
    const { code, message, cause, retryAfterMs } = fault;
    const facts = { kind: "failed", wasMade: true } as const;
    const usage = tally.part(code === "LLM_TIMEOUT");
    if (code === "LLM_UNAUTHORIZED") {
      ring.refuse(index, nowMs + keyPauseMs);
      return { ...facts, fault, usage, otherKeys: ring.countFree(model, nowMs) };
    }
    if (code !== "LLM_RATE_LIMITED") return { ...facts, fault, usage, otherKeys: 0 };
    // A single key without a time is waited for by whoever was told, as long as that takes.
    if (retryAfterMs !== undefined || ring.size > 1) {
      ring.limit(index, model, nowMs + Math.max(retryAfterMs ?? maxWaitMs, 1));
    }
    const pick = ring.pick(model, nowMs);
    const waitMs = pick.kind === "parked" ? pick.forMs : retryAfterMs;
    const told = new Fault(code, message, { cause, retryAfterMs: waitMs });
    const otherKeys = ring.size > 1 ? ring.countFree(model, nowMs) : 0;
    return { ...facts, fault: told, usage, otherKeys };
  }

  #takeSlot(provider: string, signal: AbortSignal): SlotResult | Promise<SlotResult> {
    const { concurrency, queue, queueMs } = this.#readSettings().limits;
    const most = typeof concurrency === "number" ? concurrency : concurrency[provider];
    const slots = getOrAdd(this.#slots, provider, () => new Slots(this.#deps.after));
    return slots.take({ concurrency: most ?? Number.POSITIVE_INFINITY, queue, queueMs }, signal);
  }

  #open(model: string, index: number, key: string | undefined): Llm {
    return getOrAdd(this.#models, `${index} ${model}`, () =>
      this.#deps.openModel(model, key, this.#readSettings()),
    );
  }

  /** Models that were opened by other settings are opened anew. */
  #readSettings(): ModelSettings {
    const settings = this.#deps.settings();
    if (settings !== this.#settings) this.#models = new Map();
    this.#settings = settings;
    return settings;
  }

  /** Of too many, the one is forgotten by which the least is lost: people may name any model. */
  #breakerOf(model: string): Breaker {
    const known = this.#breakers.get(model);
    if (known !== undefined) return known;
    if (this.#breakers.size >= REMEMBERED_MOST) this.#forgetBreaker();
    const added = new Breaker();
    this.#breakers.set(model, added);
    return added;
  }

  #forgetBreaker(): void {
    const nowMs = this.#deps.nowMs();
    const { breaker: limits } = this.#readSettings().limits;
    let least = { model: "", worth: Number.POSITIVE_INFINITY };
    for (const [model, breaker] of this.#breakers) {
      const worth = breaker.worthAt(nowMs, limits);
      if (worth < least.worth) least = { model, worth };
      if (worth === 0) break;
    }
    this.#breakers.delete(least.model);
  }

  #ringOf(provider: string): KeyRing {
    return getOrAdd(this.#rings, provider, () => new KeyRing(this.#deps.keysOf(provider)));
  }

  /** Whether the time has passed; false where `signal` came first. */
  #wait(ms: number, signal: AbortSignal): boolean | Promise<boolean> {
    if (signal.aborted || ms === 0) return !signal.aborted;
    return new Promise((resolve) => {
      const abort = () => {
        cancel();
        resolve(false);
      };
      const cancel = this.#deps.after(ms, () => {
        signal.removeEventListener("abort", abort);
        resolve(true);
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

function notMade(fault: Fault): AttemptEnd {
  return { kind: "failed", fault, usage: NO_TOKENS, wasMade: false, otherKeys: 0 };
}

/** It was chosen when it still could be: another one in its place would be nobody's choice. */
function notAllowed(name: string): Fault {
  const message = `Model "${name}" may not be chosen any more: choose another one for this session, or the default one again`;
  return new Fault("LLM_NOT_ALLOWED", message);
}

function cutOff(model: string): Fault {
  return new Fault("LLM_BAD_ANSWER", `The answer of model "${model}" was cut off`);
}

function paused(model: string, retryAfterMs: number): Fault {
  const message = `Model "${model}" failed too often and is left alone for ${toSeconds(retryAfterMs)}`;
  return new Fault("LLM_PAUSED", message, { retryAfterMs });
}

function parked(model: string, retryAfterMs: number): Fault {
  const message = `The service of model "${model}" asked for a pause`;
  return new Fault("LLM_RATE_LIMITED", message, { retryAfterMs });
}

function crowded(
  model: string,
  provider: string,
  slot: Exclude<SlotResult, { readonly kind: "taken" | "aborted" }>,
): Fault {
  const message =
    slot.kind === "full"
      ? `Cannot ask model "${model}": ${slot.waiting} others wait for "${provider}"; the limit is limits.queue of models.yaml`
      : `Cannot ask model "${model}": no place at "${provider}" within ${toSeconds(slot.waitedMs)}; the limit is limits.concurrency of models.yaml`;
  return new Fault("LLM_RATE_LIMITED", message);
}

/** Says when the model may be asked again, where that is known. */
function withTime(fault: Fault): Fault {
  const { code, message, cause, retryAfterMs } = fault;
  if (retryAfterMs === undefined || code === "LLM_PAUSED") return fault;
  const told = `${message}; it may be asked again in ${toSeconds(retryAfterMs)}`;
  return new Fault(code, told, { cause, retryAfterMs });
}

function toSeconds(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s`;
}

function waitOf(next: NextAttempt): number {
  return next.kind === "retry" ? next.waitMs : 0;
}

/** Forgets what was added first where there is too much: people may name any model. */
function getOrAdd<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const added = create();
  map.set(key, added);
  const [first] = map.keys();
  if (map.size > REMEMBERED_MOST && first !== undefined) map.delete(first);
  return added;
}
