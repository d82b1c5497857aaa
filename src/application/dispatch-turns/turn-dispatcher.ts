import type { InstanceRegistry } from "#domain/instance/instance-registry.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { InstanceId, SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { ClaimedTurn, QueuedTurn, TurnLog, TurnOwner } from "#domain/turn/turn-log.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Admission, NotAdmitted, TurnRunner } from "../ports/turn-runner.ts";
import { Lease, type LeaseOptions } from "./lease.ts";
import { RecentIds } from "./recent-ids.ts";

export interface TurnDispatcherDeps {
  readonly turns: TurnLog;
  readonly instances: InstanceRegistry;
  readonly runner: TurnRunner;
  /** The run of this session died: what followers saw of it never was stored. */
  readonly onRunLost: (sessionId: SessionId) => void;
  /** A turn of this session waits, and another instance may be the one to run it. */
  readonly announceQueued: (sessionId: SessionId) => void;
  readonly newInstanceId: () => InstanceId;
  readonly nowMs: NowMs;
  readonly log: Logger;
  readonly limits: TurnLimits;
  readonly lease: LeaseOptions;
}

export interface TurnLimits {
  readonly maxTurns: number;
  readonly maxTurnsPerUser: number;
}

/** A session one of whose turns runs here. */
interface LocalSession {
  readonly userId: UserId;
  /** The turn that runs, or ran last: its object tells one run of it from another. */
  current: ClaimedTurn;
  /** False while the next turn is looked for. */
  isRunning: boolean;
  /** Turns that were accepted here and wait for the running one. */
  waiting: number;
  /** Turns of other instances, or of an earlier process, may wait too. */
  mayHaveMore: boolean;
}

const RETRY_AFTER_MS = 1_000;
const STORE_RETRY_MS = 500;
/** How often a shared store is asked for turns that nobody runs. */
const POLL_MS = 1_000;
/** How often what the store has as running here is compared with what runs here. */
const RECONCILE_MS = 10_000;
/** So many rounds are compared too after a write that may have been made and not answered. */
const DOUBTED_ROUNDS = 10;
const CLAIMED_MOST = 500;

/**
 * Hands turns to runs: those of one session one after the other, sessions side by side. The store
 * decides what may run and who runs it; here is what runs on this instance, and a count of what is
 * in flight, so that callers can refuse more than there is room for.
 */
export class TurnDispatcher {
  readonly #deps: TurnDispatcherDeps;
  readonly #lease: Lease;
  readonly #sessions = new Map<SessionId, LocalSession>();
  readonly #perUser = new Map<UserId, number>();
  readonly #running = new Set<Promise<void>>();
  /** Turns to cancel that are not known here, or not yet. */
  readonly #cancelled = new RecentIds<TurnId>();
  /** What the store had as running here and was not, the last time it was compared. */
  #strays: ReadonlySet<TurnId> = new Set();
  #inFlight = 0;
  #hasBacklog = false;
  /** For how many more rounds it is likely that there are some. */
  #doubtedRounds = 0;
  #mode: "starting" | "serving" | "draining" = "starting";
  #timers: ReturnType<typeof setInterval>[] = [];
  #isPolling = false;

  constructor(deps: TurnDispatcherDeps) {
    this.#deps = deps;
    const { instances, newInstanceId, log, lease: options } = deps;
    this.#lease = new Lease({
      instances,
      newInstanceId,
      onCancelled: (turnIds) => turnIds.forEach((turnId) => this.cancel(turnId)),
      onLost: () => this.#abandonAll(),
      onRegained: () => void this.#poll(),
      log,
      options,
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Why no message had better come here, where that is so. */
  get trouble(): string | undefined {
    if (this.#lease.owner === undefined) return "no lease on the store";
    return this.#lease.isFailing ? "the store does not answer" : undefined;
  }

  /** Enters this instance and takes up what dead ones left unfinished. Nothing runs before. */
  async start(): Promise<void> {
    await this.#lease.open();
    this.#mode = "serving";
    await this.#recoverOrphans();
    await this.#claimSome();
    this.#timers = [
      setInterval(() => void this.#poll(), POLL_MS),
      setInterval(() => void this.#reconcile(), RECONCILE_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  /** Keeps room for one more turn of a user. */
  admit(userId: UserId): Admission | NotAdmitted {
    const { maxTurns, maxTurnsPerUser } = this.#deps.limits;
    const { owner } = this.#lease;
    const isFull =
      this.#mode !== "serving" ||
      owner === undefined ||
      this.#inFlight >= maxTurns ||
      (this.#perUser.get(userId) ?? 0) >= maxTurnsPerUser;
    if (isFull) return { retryAfterMs: RETRY_AFTER_MS };
    this.#reserve(userId);
    return {
      owner,
      dispatch: (turn, isBegun) => {
        // Where the first answer was lost it may have been claimed meanwhile.
        const isHere = this.#sessions.get(turn.sessionId)?.current.turnId === turn.turnId;
        if (isHere) this.#release(userId);
        else if (isBegun) this.#begin({ ...turn, isCancelled: false }, owner);
        else this.#await(turn);
      },
      release: () => this.#release(userId),
      doubt: () => {
        this.#release(userId);
        this.#doubt();
      },
    };
  }

  /** Stops a turn that runs here. One that is not known is remembered, in case it comes. */
  cancel(turnId: TurnId): void {
    const isHere = [...this.#sessions.values()].some(({ current }) => current.turnId === turnId);
    if (isHere) this.#deps.runner.cancel(turnId);
    else this.#cancelled.add(turnId);
  }

  /** Stops what runs here of a user. */
  cancelAllOf(userId: UserId): void {
    for (const session of this.#sessions.values()) {
      if (session.userId === userId) this.#deps.runner.cancel(session.current.turnId);
    }
  }

  /** Another instance has stored a turn of this session. */
  noteQueued(sessionId: SessionId): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.mayHaveMore = true;
  }

  /** A turn of the session may go on that had waited for people: here, or where there is room. */
  wake(sessionId: SessionId): void {
    this.#deps.announceQueued(sessionId);
    if (this.#sessions.has(sessionId)) this.noteQueued(sessionId);
    else void this.#claimNext(sessionId);
  }

  /** Takes up at once what was missed, instead of at the next round. */
  catchUp(): void {
    void this.#poll();
  }

  /** Begins no more turns and waits for the running ones; the rest stay queued in the store. */
  async drain(): Promise<void> {
    this.#mode = "draining";
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.allSettled(this.#running);
  }

  /** Leaves what is unfinished to other instances. */
  async leave(): Promise<void> {
    this.#mode = "draining";
    for (const timer of this.#timers) clearInterval(timer);
    await this.#lease.close();
  }

  #release(userId: UserId): void {
    addTo(this.#perUser, userId, -1);
    this.#inFlight -= 1;
  }

  #reserve(userId: UserId): void {
    this.#inFlight += 1;
    addTo(this.#perUser, userId, 1);
  }

  /** Sees to a turn that was stored behind another one of its session. */
  #await({ sessionId, userId }: QueuedTurn): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) {
      session.waiting += 1;
      return;
    }
    // The one before it runs elsewhere, or has ended meanwhile.
    this.#release(userId);
    this.#deps.announceQueued(sessionId);
    void this.#claimNext(sessionId);
  }

  /** Runs a turn that is stored as running, for which there is a reservation. */
  #begin(turn: ClaimedTurn, owner: TurnOwner): void {
    const { sessionId, userId } = turn;
    if (this.#lease.owner?.instanceId !== owner.instanceId) return this.#leaveToOthers(turn);
    const session = this.#sessions.get(sessionId) ?? { userId, waiting: 0, mayHaveMore: false };
    this.#sessions.set(sessionId, Object.assign(session, { current: turn, isRunning: true }));
    const run = this.#run(turn, owner).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** The lease under which a turn was begun is lost: whoever comes first takes the turn up. */
  #leaveToOthers({ sessionId, userId }: ClaimedTurn): void {
    this.#release(userId);
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.isRunning) return;
    for (let left = session.waiting; left > 0; left--) this.#release(userId);
    this.#sessions.delete(sessionId);
  }

  /** Never rejects. */
  async #run(turn: ClaimedTurn, owner: TurnOwner): Promise<void> {
    const isCancelled = turn.isCancelled || this.#cancelled.take(turn.turnId);
    const hasEnded = await this.#tryRun({ ...turn, isCancelled }, owner);
    // Where the next run of the session has begun meanwhile, this one has no say in it any more.
    const isLost = !hasEnded && this.#isCurrent(turn);
    if (isLost && this.#mode !== "draining") await this.#giveBack(turn, owner);
    this.#end(turn);
  }

  async #tryRun(turn: ClaimedTurn, { epoch }: TurnOwner): Promise<boolean> {
    const { runner, log } = this.#deps;
    const { turnId } = turn;
    try {
      const result = await runner.run({ ...turn, epoch });
      // What it waits for may have come meanwhile.
      if (result.kind === "paused") this.noteQueued(turn.sessionId);
      if (result.kind !== "fenced") return true;
      log.warn({ turnId }, "A run lost its turn");
    } catch (error) {
      log.error({ turnId, failure: toFailure(error), error }, "A run died");
    }
    return false;
  }

  /** Takes a turn from its dead run, however long the store needs; it waits again then. */
  async #giveBack({ turnId, sessionId }: ClaimedTurn, owner: TurnOwner): Promise<void> {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.mayHaveMore = true;
    // Under a lease that is lost the turn is anybody's.
    while (this.#lease.owner?.instanceId === owner.instanceId && this.#mode !== "draining") {
      try {
        const { turns, nowMs } = this.#deps;
        const { instanceId } = owner;
        const { epoch } = await turns.recover({ instanceId, turnIds: [turnId], nowMs: nowMs() });
        if (epoch !== undefined) this.#lease.raiseEpoch(epoch);
        break;
      } catch (error) {
        this.#deps.log.error({ turnId, error }, "Cannot recover a turn; trying again");
        await pause(STORE_RETRY_MS);
      }
    }
    this.#deps.onRunLost(sessionId);
  }

  /** A turn of the session is over: the next one's turn. */
  #end(turn: ClaimedTurn): void {
    const { sessionId } = turn;
    this.#release(turn.userId);
    const session = this.#sessions.get(sessionId);
    if (session?.current !== turn) return;
    session.isRunning = false;
    if (session.waiting > 0 || session.mayHaveMore) void this.#claimNext(sessionId, session);
    else this.#sessions.delete(sessionId);
  }

  #isCurrent(turn: ClaimedTurn): boolean {
    return this.#sessions.get(turn.sessionId)?.current === turn;
  }

  /** Runs the next turn of a session, if one waits. Never rejects. */
  async #claimNext(sessionId: SessionId, session?: LocalSession): Promise<void> {
    while (this.#mode === "serving" && this.#lease.owner !== undefined) {
      try {
        const { owner } = this.#lease;
        const { turns, nowMs } = this.#deps;
        if (session !== undefined) session.mayHaveMore = false;
        const [turn] = await turns.claim({ owner, limit: 1, sessionId, nowMs: nowMs() });
        if (turn === undefined) break;
        if (session !== undefined && session.waiting > 0) session.waiting -= 1;
        else this.#reserve(turn.userId);
        this.#begin(turn, owner);
        this.noteQueued(sessionId);
        return;
      } catch (error) {
        this.#deps.log.error({ sessionId, error }, "Cannot claim a turn; trying again");
        this.#doubt();
        await pause(STORE_RETRY_MS);
      }
    }
    if (session === undefined) return this.noteQueued(sessionId);
    if (session.isRunning) return;
    // What was accepted here meanwhile waits in the store, for the next round.
    for (let left = session.waiting; left > 0; left--) this.#release(session.userId);
    this.#sessions.delete(sessionId);
    if (session.waiting > 0 || session.mayHaveMore) this.#hasBacklog = true;
  }

  /** Looks for turns that nobody runs. Never rejects. */
  async #poll(): Promise<void> {
    const { lease } = this.#deps;
    if (this.#isPolling || this.#mode !== "serving" || this.#lease.owner === undefined) return;
    if (!lease.isShared && !this.#hasBacklog) return;
    this.#isPolling = true;
    if (this.#doubtedRounds > 0) {
      this.#doubtedRounds -= 1;
      await this.#reconcile();
    }
    try {
      if (lease.isShared) await this.#recoverOrphans();
      await this.#claimSome();
    } catch (error) {
      this.#deps.log.warn({ error }, "Cannot look for turns; trying again");
      this.#doubt();
    }
    this.#isPolling = false;
  }

  async #recoverOrphans(): Promise<void> {
    const { turns, nowMs, onRunLost, log } = this.#deps;
    for (;;) {
      const { instanceId } = this.#lease.owner ?? {};
      if (instanceId === undefined) return;
      const { queued, over, epoch } = await turns.recover({ instanceId, nowMs: nowMs() });
      if (epoch !== undefined) this.#lease.raiseEpoch(epoch);
      for (const { sessionId } of [...queued, ...over]) onRunLost(sessionId);
      const found = queued.length + over.length;
      if (found === 0) return;
      log.info({ turns: found }, "Turns of dead instances were taken over");
    }
  }

  async #claimSome(): Promise<void> {
    const { turns, nowMs, limits } = this.#deps;
    const { owner } = this.#lease;
    const limit = Math.min(CLAIMED_MOST, limits.maxTurns - this.#inFlight);
    if (owner === undefined || limit <= 0) return;
    const claimed = await turns.claim({ owner, limit, nowMs: nowMs() });
    this.#hasBacklog = claimed.length === limit;
    for (const turn of claimed) {
      this.#reserve(turn.userId);
      this.#begin(turn, owner);
      this.noteQueued(turn.sessionId);
    }
  }

  /** A write failed, and may have been made all the same: turns would run that nobody runs. */
  #doubt(): void {
    this.#doubtedRounds = DOUBTED_ROUNDS;
  }

  /**
   * Finds turns that the store has as running here and that do not: a write whose answer was lost
   * on the way. They are given back when they are found twice. Never rejects.
   */
  async #reconcile(): Promise<void> {
    const { turns, instances, nowMs, lease, log } = this.#deps;
    const { instanceId } = this.#lease.owner ?? {};
    if (instanceId === undefined || !lease.isShared) return;
    try {
      const stored = await instances.listRunning(instanceId);
      const here = new Set([...this.#sessions.values()].map(({ current }) => current.turnId));
      const strays = stored.filter((turnId) => !here.has(turnId));
      const turnIds = strays.filter((turnId) => this.#strays.has(turnId));
      this.#strays = new Set(strays);
      if (turnIds.length === 0) return;
      log.warn({ turns: turnIds.length }, "Turns that were stored without an answer are taken up");
      const { epoch } = await turns.recover({ instanceId, turnIds, nowMs: nowMs() });
      if (epoch !== undefined) this.#lease.raiseEpoch(epoch);
      await this.#poll();
    } catch (error) {
      log.warn({ error }, "Cannot compare turns with the store; trying again");
    }
  }

  #abandonAll(): void {
    for (const { current } of this.#sessions.values()) this.#deps.runner.abandon(current.turnId);
  }
}

function addTo<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
