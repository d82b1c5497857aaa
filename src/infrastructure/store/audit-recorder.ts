import type { Logger } from "#application/ports/logger.ts";
import type { AuditEvent, RecordAudit } from "#domain/audit/audit-log.ts";

export interface AuditRecorderDeps {
  /** Stores events; they are durable when this is fulfilled. */
  readonly append: (events: readonly AuditEvent[]) => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly limits?: Partial<AuditRecorderLimits>;
}

export interface AuditRecorderLimits {
  /** How long refusals of one kind are counted before they are summed up in one entry. */
  readonly windowMs: number;
  /** How many kinds of refusals have entries of their own in a window. */
  readonly kinds: number;
  /** How many events may wait for a store that takes none. */
  readonly waiting: number;
}

const LIMITS: AuditRecorderLimits = { windowMs: 60_000, kinds: 50, waiting: 5_000 };
const GATHER_MS = 50;
const RETRY_MS = 1_000;
const BATCH_MOST = 200;

/** Refusals of one kind in the present window; the first was recorded when it happened. */
interface Refusals {
  readonly first: AuditEvent;
  repeated: number;
  lastAtMs: number;
}

/**
 * Puts events on the audit log in the background, in order and in batches. What was refused is
 * recorded the first time and then counted, so that whoever knocks a million times cannot fill the
 * disk: in a minute at most `kinds` first refusals, their sums, and one sum for all other kinds.
 *
 * What must not happen unrecorded does not go here: await the log's own `append`.
 */
export class AuditRecorder {
  readonly #deps: AuditRecorderDeps;
  readonly #limits: AuditRecorderLimits;
  readonly #refusals = new Map<string, Refusals>();
  /** Of kinds that had no room any more, by action. */
  readonly #others = new Map<string, Refusals>();
  readonly #waiting: AuditEvent[] = [];
  #dropped = 0;
  #sending: Promise<void> | undefined;
  #sendTimer: ReturnType<typeof setTimeout> | undefined;
  #windowTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.limits };
  }

  /** Takes an event; never throws and never waits. */
  readonly record: RecordAudit = (event) => {
    if (event.decision === "denied") this.#count(event);
    else this.#add(event);
  };

  /** Sends what waits now; what is being counted goes on. */
  flush(): void {
    if (this.#sending !== undefined || this.#waiting.length === 0) return;
    clearTimeout(this.#sendTimer);
    void this.#send();
  }

  /** Writes all there is, sums included; fulfilled when it is stored, or could not be. */
  async close(): Promise<void> {
    this.#closeWindow();
    clearTimeout(this.#sendTimer);
    this.#sendTimer = undefined;
    await this.#sending;
    if (this.#waiting.length > 0) await this.#send();
    clearTimeout(this.#sendTimer);
  }

  #count(event: AuditEvent): void {
    this.#windowTimer ??= setTimeout(() => this.#closeWindow(), this.#limits.windowMs);
    const key = JSON.stringify([event.action, event.actor, event.subject, event.policyHash]);
    const known = this.#refusals.get(key);
    if (known !== undefined) repeat(known, event);
    else if (this.#refusals.size < this.#limits.kinds) {
      this.#refusals.set(key, { first: event, repeated: 0, lastAtMs: event.atMs });
      this.#add(event);
    } else this.#countOther(event);
  }

  #countOther({ atMs, action, decision }: AuditEvent): void {
    const first = { atMs, actor: "system", action, subject: "others", decision, detail: null };
    const known = this.#others.get(action) ?? { first, repeated: 0, lastAtMs: atMs };
    this.#others.set(action, known);
    repeat(known, { ...first, atMs });
  }

  #closeWindow(): void {
    clearTimeout(this.#windowTimer);
    this.#windowTimer = undefined;
    for (const refusals of [...this.#refusals.values(), ...this.#others.values()]) {
      if (refusals.repeated > 0) this.#add(toSum(refusals));
    }
    this.#refusals.clear();
    this.#others.clear();
  }

  /** Where nothing more can wait the newest are dropped: how it began tells more. */
  #add(event: AuditEvent): void {
    if (this.#waiting.length < this.#limits.waiting) this.#waiting.push(event);
    else this.#dropped += 1;
    this.#schedule(GATHER_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#sending !== undefined || this.#waiting.length === 0) return;
    this.#sendTimer ??= setTimeout(() => void this.#send(), delayMs);
  }

  #send(): Promise<void> {
    this.#sendTimer = undefined;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined;
      this.#schedule(RETRY_MS);
    });
    return this.#sending;
  }

  /** Batch after batch, until all is stored or one is not. */
  async #sendAll(): Promise<void> {
    const { append, log } = this.#deps;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_MOST);
      try {
        await append(batch);
      } catch (error) {
        log.error({ waiting: this.#waiting.length, error }, "The audit log takes no entries");
        return;
      }
      this.#waiting.splice(0, batch.length);
      this.#reportDropped();
    }
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const detail = { events: this.#dropped };
    this.#dropped = 0;
    this.#waiting.push({
      atMs: this.#deps.nowMs(),
      actor: "system",
      action: "audit.lost",
      subject: "audit",
      decision: "allowed",
      detail,
    });
  }
}

function repeat(refusals: Refusals, { atMs }: AuditEvent): void {
  refusals.repeated += 1;
  refusals.lastAtMs = atMs;
}

/** The entry that stands for all refusals of a kind but the first. */
function toSum({ first, repeated, lastAtMs }: Refusals): AuditEvent {
  return { ...first, atMs: lastAtMs, detail: { repeated, sinceMs: first.atMs } };
}
