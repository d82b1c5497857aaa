import type { Logger } from "#application/ports/logger.ts";
import type { CallRecord } from "../../../runtime/index.ts";
import { hostCallToArgs, type NamedHostCall, skillCallToArgs } from "./call-rows.ts";
import type { QueryArgs } from "./query.ts";
import type { RecordCalls } from "./scripts/call-record-scripts.ts";

export interface CallRecorderDeps {
  /** Stores a batch; it is durable when this is fulfilled. */
  readonly save: (batch: RecordCalls) => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** How many records of each kind the store keeps. */
  readonly maxRows: number;
  readonly limits?: Partial<RecorderLimits>;
}

/** What may wait here, and what may be on its way to the store at a time. */
export interface RecorderLimits {
  readonly waiting: Amount;
  readonly sent: Amount;
}

interface Amount {
  readonly records: number;
  /** Of the values that the records hold. */
  readonly chars: number;
}

const LIMITS: RecorderLimits = {
  waiting: { records: 20_000, chars: 32 * 1_048_576 },
  sent: { records: 10_000, chars: 16 * 1_048_576 },
};
/** Long enough for a lone turn to end before its records are written. */
const GATHER_MS = 50;
const BATCH_MOST = 500;

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
  #waitingChars = 0;
  #sent: Amount = { records: 0, chars: 0 };
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
    while (this.#waiting.length > 0 && this.#maySend()) void this.#send();
  }

  #maySend(): boolean {
    const { records, chars } = this.#limits.sent;
    return this.#sent.records < records && this.#sent.chars < chars;
  }

  #add(kind: Waiting["kind"], row: QueryArgs): void {
    const chars = charsOf(row);
    this.#waiting.push({ kind, row, chars });
    this.#waitingChars += chars;
    this.#dropOldest();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#waiting.length >= BATCH_MOST) this.flush();
    else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  #dropOldest(): void {
    const { records, chars } = this.#limits.waiting;
    let over = 0;
    while (this.#waiting.length - over > records || this.#waitingChars > chars) {
      this.#waitingChars -= this.#waiting[over]?.chars ?? 0;
      over += 1;
    }
    this.#waiting.splice(0, over);
    this.#dropped += over;
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH_MOST);
    const size = { records: batch.length, chars: batch.reduce((sum, each) => sum + each.chars, 0) };
    this.#waitingChars -= size.chars;
    this.#addSent(size);
    const rowsOf = (kind: Waiting["kind"]) =>
      batch.flatMap((each) => (each.kind === kind ? [each.row] : []));
    const { save, maxRows, log } = this.#deps;
    try {
      await save({ skillCalls: rowsOf("skillCalls"), hostCalls: rowsOf("hostCalls"), maxRows });
      this.#reportDropped();
    } catch (error) {
      log.error({ records: batch.length, error }, "Records of skill calls are lost");
    }
    this.#addSent({ records: -size.records, chars: -size.chars });
    this.#schedule();
  }

  #addSent({ records, chars }: Amount): void {
    this.#sent = { records: this.#sent.records + records, chars: this.#sent.chars + chars };
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
