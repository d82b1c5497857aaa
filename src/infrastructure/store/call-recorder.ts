import type { Logger } from "#application/ports/logger.ts";
import type { CallRecord } from "../../../runtime/index.ts";
import { hostCallToArgs, type NamedHostCall, skillCallToArgs } from "./call-rows.ts";
import type { QueryArgs } from "./query.ts";
import type { RecordCalls } from "./sqlite/call-records.ts";

export interface CallRecorderDeps {
  /** Stores a batch; it is durable when this is fulfilled. */
  readonly save: (batch: RecordCalls) => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** How many records of each kind the store keeps. */
  readonly maxRows: number;
  readonly limits?: Partial<RecorderLimits>;
}

/** What may wait for the store: records, and characters of the values that they hold. */
export interface RecorderLimits {
  readonly maxRecords: number;
  readonly maxChars: number;
}

const LIMITS: RecorderLimits = { maxRecords: 20_000, maxChars: 32 * 1_048_576 };
/** Long enough for a lone turn to end before its records are written. */
const GATHER_MS = 50;
const BATCH_MOST = 500;
/** Batches on their way to the store at a time. */
const SENT_MOST = 4;

interface Waiting {
  readonly kind: keyof Pick<RecordCalls, "skillCalls" | "hostCalls">;
  readonly row: QueryArgs;
  readonly chars: number;
}

/**
 * Puts the calls of skills on record, in the background and in batches. Nobody waits for it: where
 * the store cannot keep up the oldest records are dropped, and the log says how many.
 */
export class CallRecorder {
  readonly #deps: CallRecorderDeps;
  readonly #limits: RecorderLimits;
  readonly #waiting: Waiting[] = [];
  #chars = 0;
  #sent = 0;
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: CallRecorderDeps) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.limits };
  }

  addCall(record: CallRecord): void {
    this.#add("skillCalls", skillCallToArgs(record, this.#deps.nowMs()));
  }

  addHostCall(call: NamedHostCall): void {
    this.#add("hostCalls", hostCallToArgs(call, this.#deps.nowMs()));
  }

  /** Sends what waits, as far as the store keeps up; the rest follows by itself. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#sent < SENT_MOST) void this.#send();
  }

  #add(kind: Waiting["kind"], row: QueryArgs): void {
    const chars = charsOf(row);
    this.#waiting.push({ kind, row, chars });
    this.#chars += chars;
    this.#dropOldest();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#waiting.length >= BATCH_MOST) this.flush();
    else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  #dropOldest(): void {
    const { maxRecords, maxChars } = this.#limits;
    let over = 0;
    while (this.#waiting.length - over > maxRecords || this.#chars > maxChars) {
      this.#chars -= this.#waiting[over]?.chars ?? 0;
      over += 1;
    }
    this.#waiting.splice(0, over);
    this.#dropped += over;
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH_MOST);
    for (const { chars } of batch) this.#chars -= chars;
    const rowsOf = (kind: Waiting["kind"]) =>
      batch.flatMap((each) => (each.kind === kind ? [each.row] : []));
    const { save, maxRows, log } = this.#deps;
    this.#sent += 1;
    try {
      await save({ skillCalls: rowsOf("skillCalls"), hostCalls: rowsOf("hostCalls"), maxRows });
      this.#reportDropped();
    } catch (error) {
      log.error({ records: batch.length, error }, "Records of skill calls are lost");
    }
    this.#sent -= 1;
    this.#schedule();
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const records = this.#dropped;
    this.#dropped = 0;
    this.#deps.log.warn({ records }, "The store is too slow: records of skill calls were dropped");
  }
}

function charsOf({ argsJson = null, resultJson = null }: QueryArgs): number {
  return [argsJson, resultJson].reduce<number>(
    (sum, value) => sum + (typeof value === "string" ? value.length : 0),
    0,
  );
}
