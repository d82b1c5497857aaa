import { toFailure } from "#domain/shared/fault.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { QueuedTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Admission, NotAdmitted, TurnRunner } from "../ports/turn-runner.ts";

export interface TurnDispatcherDeps {
  readonly turns: TurnLog;
  readonly runner: TurnRunner;
  /** The run of this session died: what followers saw of it never was stored. */
  readonly onRunLost: (sessionId: SessionId) => void;
  readonly nowMs: NowMs;
  readonly log: Logger;
  readonly limits: TurnLimits;
}

export interface TurnLimits {
  readonly maxTurns: number;
  readonly maxTurnsPerUser: number;
}

interface WaitingTurn extends QueuedTurn {
  /** It was stored as running under this epoch. */
  readonly beginEpoch: number | undefined;
  isCancelled: boolean;
}

const RETRY_AFTER_MS = 1_000;
const STORE_RETRY_MS = 500;

/**
 * Hands accepted turns to runs: those of one session one after the other, sessions side by side.
 * Counts what is in flight, so that callers can refuse more than there is room for.
 */
export class TurnDispatcher {
  readonly #deps: TurnDispatcherDeps;
  /** The turns of each session that has any: the first one runs. */
  readonly #sessions = new Map<SessionId, WaitingTurn[]>();
  /** How many turns of a session are being stored. */
  readonly #admitted = new Map<SessionId, number>();
  readonly #perUser = new Map<UserId, number>();
  readonly #running = new Set<Promise<void>>();
  #inFlight = 0;
  #epoch = 0;
  #mode: "starting" | "serving" | "draining" = "starting";

  constructor(deps: TurnDispatcherDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes up what an earlier process left unfinished. Nothing runs before. */
  async start(): Promise<void> {
    const { turns, nowMs, onRunLost } = this.#deps;
    const { epoch, queued, failed } = await turns.recover({ nowMs: nowMs() });
    this.#epoch = epoch;
    this.#mode = "serving";
    for (const { sessionId } of failed) onRunLost(sessionId);
    for (const turn of queued) {
      this.#reserve(turn.userId);
      this.#enqueue(turn);
    }
  }

  /** Keeps room for one more turn of a user (in a new session, where none is given). */
  admit(userId: UserId, sessionId?: SessionId): Admission | NotAdmitted {
    const { maxTurns, maxTurnsPerUser } = this.#deps.limits;
    const isFull =
      this.#mode !== "serving" ||
      this.#inFlight >= maxTurns ||
      (this.#perUser.get(userId) ?? 0) >= maxTurnsPerUser;
    if (isFull) return { retryAfterMs: RETRY_AFTER_MS };
    this.#reserve(userId);
    const isNext = sessionId === undefined || !this.#isTaken(sessionId);
    const beginEpoch = isNext ? this.#epoch : undefined;
    if (sessionId !== undefined) addTo(this.#admitted, sessionId, 1);
    const leave = () => sessionId !== undefined && addTo(this.#admitted, sessionId, -1);
    return {
      beginEpoch,
      dispatch: (turn) => {
        leave();
        this.#enqueue(turn, beginEpoch);
      },
      release: () => {
        leave();
        this.#release(userId);
      },
    };
  }

  /** Whether the turn is in flight; if so it will end as cancelled unless it ends just now. */
  cancel(turnId: TurnId): boolean {
    for (const queue of this.#sessions.values()) {
      const at = queue.findIndex((turn) => turn.turnId === turnId);
      if (at === -1) continue;
      (queue[at] as WaitingTurn).isCancelled = true;
      if (at === 0) this.#deps.runner.cancel(turnId);
      return true;
    }
    return false;
  }

  /** Begins no more turns and waits for the running ones; the rest stay queued in the store. */
  async drain(): Promise<void> {
    this.#mode = "draining";
    await Promise.allSettled(this.#running);
  }

  /** Whether a turn of the session is in flight or about to be. */
  #isTaken(sessionId: SessionId): boolean {
    return this.#sessions.has(sessionId) || this.#admitted.has(sessionId);
  }

  #release(userId: UserId): void {
    addTo(this.#perUser, userId, -1);
    this.#inFlight -= 1;
  }

  #reserve(userId: UserId): void {
    this.#inFlight += 1;
    addTo(this.#perUser, userId, 1);
  }

  #enqueue(turn: QueuedTurn, beginEpoch?: number): void {
    const waiting = { ...turn, beginEpoch, isCancelled: false };
    const queue = this.#sessions.get(turn.sessionId);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    this.#sessions.set(turn.sessionId, [waiting]);
    this.#runNext(turn.sessionId, turn.headSeq);
  }

  #runNext(sessionId: SessionId, headSeq: number): void {
    const turn = this.#sessions.get(sessionId)?.[0];
    if (turn === undefined || this.#mode !== "serving") return;
    const run = this.#run(turn, headSeq).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Never rejects. */
  async #run(turn: WaitingTurn, firstHeadSeq: number): Promise<void> {
    const headSeq = await this.#runUntilEnded(turn, firstHeadSeq);
    if (headSeq === undefined) return;
    const queue = this.#sessions.get(turn.sessionId);
    queue?.shift();
    this.#release(turn.userId);
    if (queue?.length === 0) this.#sessions.delete(turn.sessionId);
    else this.#runNext(turn.sessionId, headSeq);
  }

  /** The head of the session's log after the turn, `undefined` where the process is stopping. */
  async #runUntilEnded(turn: WaitingTurn, headSeq: number): Promise<number | undefined> {
    const { runner, log } = this.#deps;
    let { beginEpoch } = turn;
    for (let next: QueuedTurn = { ...turn, headSeq }; ; ) {
      const { isCancelled } = turn;
      const epoch = beginEpoch ?? this.#epoch;
      const isBegun = beginEpoch !== undefined;
      try {
        const result = await runner.run({ ...next, epoch, isBegun, isCancelled });
        if (result.kind === "ended") return result.headSeq;
        log.warn({ turnId: turn.turnId }, "A run lost its turn");
      } catch (error) {
        log.error({ turnId: turn.turnId, failure: toFailure(error), error }, "A run died");
      }
      if (this.#mode === "draining") return undefined;
      const recovered = await this.#recover(turn);
      this.#deps.onRunLost(turn.sessionId);
      if (recovered.kind === "failed") return recovered.headSeq;
      next = recovered.turn;
      beginEpoch = undefined;
    }
  }

  /** Takes the turn from its dead run, however long the store needs. */
  async #recover({ turnId }: WaitingTurn) {
    const { turns, nowMs, log } = this.#deps;
    for (;;) {
      try {
        const { epoch, queued, failed } = await turns.recover({
          turnIds: [turnId],
          nowMs: nowMs(),
        });
        this.#epoch = Math.max(this.#epoch, epoch);
        const turn = queued[0];
        if (turn !== undefined) return { kind: "queued", turn } as const;
        return { kind: "failed", headSeq: failed[0]?.headSeq ?? 0 } as const;
      } catch (error) {
        log.error({ turnId, error }, "Cannot recover a turn; trying again");
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS));
      }
    }
  }
}

function addTo<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
