import type { SessionHead, SessionRepository } from "#domain/session/session-repository.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import type { Bus, BusMessage, BusNotice } from "../ports/bus.ts";
import type { NowMs } from "../ports/clock.ts";
import type { LiveFrame, ShownFrames } from "../ports/live-frame.ts";
import {
  type FollowInput,
  type FollowResult,
  type FrameSink,
  SessionHub,
  type SessionHubDeps,
  type ShownRun,
  type StoredHead,
} from "./session-hub.ts";

export interface SessionRelayDeps extends Omit<SessionHubDeps, "awaitRun"> {
  readonly bus: Bus;
  readonly sessions: SessionHubDeps["sessions"] & Pick<SessionRepository, "listHeads">;
  readonly nowMs: NowMs;
}

/** How far a run that others follow was shown to them. */
interface Shared {
  readonly run: ShownRun;
  seq: number;
}

/** When others were asked last for what follows `seq`, and how long until it may be asked again. */
interface Asked {
  readonly atMs: number;
  readonly seq: number;
  readonly restMs: number;
}

type FramesMessage = Extract<BusMessage, { kind: "frames" }>;
type FollowMessage = Extract<BusMessage, { kind: "follow" }>;

/** What turns show goes out in strokes of this length. */
const SHARE_MS = 60;
/** So much of it goes into one message. */
const MAX_MESSAGE_CHARS = 65_536;
/** How long a session counts as followed elsewhere after it was said. */
const INTEREST_MS = 60_000;
const MAX_INTERESTS = 100_000;
const RENEW_MS = 20_000;
/** The safety net: so often the store is asked, whatever the bus says. */
const POLL_MS = 2_000;
/** Where something is missing or wrong it is asked sooner, but no more often than this. */
const LOOK_MS = 100;
/** So many sessions are asked about at one time. */
const LOOK_AT_MOST = 5_000;
const ASK_AGAIN_MS = 250;
/** Where asking brings nothing new it is asked less and less often, down to this. */
const ASK_SELDOM_MS = 10_000;
/** How long somebody who resumes waits to hear of a run elsewhere. */
const AWAIT_RUN_MS = 200;

/**
 * Lets people follow here what runs on another instance, and the other way round.
 *
 * An instance where a session is followed that does not run there says so (`follow`), again and
 * again while that is so; the one that runs it then shares what its turn shows (`frames`) and says
 * when all of it is stored (`session-moved`). Whatever of this is lost, late or doubled, the hub
 * takes in only what goes on where the last ended; where it does not, and every two seconds in any
 * case, the store is asked how far the sessions are.
 */
export class SessionRelay implements AsyncDisposable {
  readonly #deps: SessionRelayDeps;
  readonly #hub: SessionHub;
  /** Until when others count as following a session. */
  readonly #interests = new Map<SessionId, number>();
  readonly #shared = new Map<SessionId, Shared>();
  readonly #toShare = new Set<SessionId>();
  #stopSharing: (() => void) | undefined;
  readonly #asked = new Map<SessionId, Asked>();
  /** Sessions of which something that others have shown is missing here. */
  readonly #lacking = new Set<SessionId>();
  readonly #toLookAt = new Set<SessionId>();
  #stopLooking: (() => void) | undefined;
  readonly #awaited = new Map<SessionId, Set<() => void>>();
  readonly #stops = new Set<() => void>();
  #isClosed = false;

  constructor(deps: SessionRelayDeps) {
    this.#deps = deps;
    const { bus } = deps;
    const awaitRun = (sessionId: SessionId) => this.#awaitRun(sessionId);
    this.#hub = new SessionHub({ ...deps, ...(bus.isShared ? { awaitRun } : {}) });
    if (!bus.isShared) return;
    this.#stops.add(bus.listen((notice) => this.#take(notice)));
    this.#repeat(POLL_MS, () => this.#look([...this.#hub.followedElsewhere()]));
    this.#repeat(RENEW_MS, () => this.#renew());
  }

  /** How many sessions somebody follows here or a turn runs in here. */
  get size(): number {
    return this.#hub.size;
  }

  /** As the hub's own; others who follow the session see it too. */
  publish(shown: ShownFrames): void {
    const { sessionId } = shown;
    this.#noteSettled(sessionId, this.#hub.publish(shown));
    if (this.#isFollowedElsewhere(sessionId)) this.#shareSoon(sessionId);
  }

  /** As the hub's own; others are told that all of it is stored. */
  settle(sessionId: SessionId, turnId: TurnId): void {
    if (this.#isFollowedElsewhere(sessionId)) this.#share(sessionId);
    this.#noteSettled(sessionId, this.#hub.settle(sessionId, turnId));
  }

  /** As the hub's own; others are told to look. */
  reset(sessionId: SessionId): void {
    this.#forgetRun(sessionId);
    this.#hub.reset(sessionId);
    this.#deps.bus.publish({ kind: "run-lost", sessionId });
  }

  /** As the hub's own, also for a session that runs elsewhere. */
  async follow(input: FollowInput, sink: FrameSink): Promise<FollowResult> {
    const result = await this.#hub.follow(input, sink);
    if (result.kind === "following" && this.#deps.bus.isShared) this.#ask(input.sessionId);
    return result;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#stopSharing?.();
    this.#stopLooking?.();
    return Promise.resolve();
  }

  #take(notice: BusNotice): void {
    switch (notice.kind) {
      case "frames":
        this.#takeFrames(notice);
        return;
      case "follow":
        this.#takeFollow(notice);
        return;
      case "session-moved":
        this.#lacking.delete(notice.sessionId);
        this.#hub.learnElsewhere(notice.sessionId, notice);
        return;
      case "run-lost":
        // It may be old: the store knows whether it is still true.
        this.#lookSoon(notice.sessionId);
        return;
      case "reconnected":
        this.#renew();
        void this.#look([...this.#hub.followedElsewhere()]);
        return;
      case "turns-queued":
      case "cancel-turn":
      case "cancel-task":
      case "credentials-revoked":
      case "brake-changed":
        return;
      default:
        return notice satisfies never;
    }
  }

  #takeFrames({ sessionId, epoch, firstSeq, frames }: FramesMessage): void {
    const result = this.#hub.takeElsewhere(sessionId, { epoch, firstSeq, frames });
    switch (result) {
      case "shown":
        this.#lacking.delete(sessionId);
        for (const end of this.#awaited.get(sessionId) ?? []) end();
        return;
      case "gap":
        this.#lacking.add(sessionId);
        if (this.#ask(sessionId)) this.#lookSoon(sessionId);
        return;
      case "conflict":
        this.#lookSoon(sessionId);
        return;
      case "known":
        return;
      default:
        return result satisfies never;
    }
  }

  /** Somebody elsewhere follows the session and has it up to `seq` of `epoch`. */
  #takeFollow({ sessionId, seq, epoch }: FollowMessage): void {
    const isNew = !this.#interests.has(sessionId);
    if (isNew && this.#interests.size >= MAX_INTERESTS) this.#forgetInterests();
    this.#interests.set(sessionId, this.#deps.nowMs() + INTEREST_MS);
    const run = this.#hub.findRunHere(sessionId);
    if (run === undefined) return;
    const isOfThisRun = epoch === run.epoch && seq >= run.firstSeq;
    const shared = this.#sharedOf(sessionId, run);
    shared.seq = Math.min(shared.seq, isOfThisRun ? seq : run.firstSeq - 1);
    this.#share(sessionId);
  }

  #isFollowedElsewhere(sessionId: SessionId): boolean {
    const untilMs = this.#interests.get(sessionId);
    if (untilMs === undefined) return false;
    if (untilMs > this.#deps.nowMs()) return true;
    this.#interests.delete(sessionId);
    return false;
  }

  #forgetInterests(): void {
    const nowMs = this.#deps.nowMs();
    for (const [sessionId, untilMs] of this.#interests) {
      if (untilMs <= nowMs) this.#interests.delete(sessionId);
    }
    // Those that were heard of first go first; they are heard of again.
    const [oldest] = this.#interests.keys();
    if (this.#interests.size >= MAX_INTERESTS && oldest) this.#interests.delete(oldest);
  }

  #shareSoon(sessionId: SessionId): void {
    this.#toShare.add(sessionId);
    this.#stopSharing ??= this.#deps.after(SHARE_MS, () => {
      this.#stopSharing = undefined;
      const sessionIds = [...this.#toShare];
      this.#toShare.clear();
      for (const each of sessionIds) this.#share(each);
    });
  }

  /** Sends what the session's run here has shown since it was shared last. */
  #share(sessionId: SessionId): void {
    const run = this.#hub.findRunHere(sessionId);
    if (run === undefined) return;
    const shared = this.#sharedOf(sessionId, run);
    const { epoch, firstSeq } = run;
    const first = run.frames[0]?.seq ?? firstSeq;
    const lacking = run.frames.slice(Math.max(0, shared.seq + 1 - first));
    for (const frames of toPieces(lacking)) {
      this.#deps.bus.publish({ kind: "frames", sessionId, epoch, firstSeq, frames });
    }
    shared.seq = lacking.at(-1)?.seq ?? shared.seq;
  }

  #sharedOf(sessionId: SessionId, run: ShownRun): Shared {
    const known = this.#shared.get(sessionId);
    if (known?.run === run) return known;
    const shared = { run, seq: run.firstSeq - 1 };
    this.#shared.set(sessionId, shared);
    return shared;
  }

  /** The run that was shown up to `head` is stored. */
  #noteSettled(sessionId: SessionId, head: StoredHead | undefined): void {
    if (head === undefined) return;
    this.#forgetRun(sessionId);
    const { seq, epoch } = head;
    if (epoch === undefined || !this.#isFollowedElsewhere(sessionId)) return;
    this.#deps.bus.publish({ kind: "session-moved", sessionId, seq, epoch });
  }

  #forgetRun(sessionId: SessionId): void {
    this.#shared.delete(sessionId);
    this.#toShare.delete(sessionId);
  }

  #renew(): void {
    this.#asked.clear();
    this.#forgetInterests();
    for (const sessionId of this.#hub.followedElsewhere()) this.#ask(sessionId);
  }

  /** Asks whoever runs the session to share what is lacking here, unless that was done just now. */
  #ask(sessionId: SessionId): boolean {
    const { bus, nowMs } = this.#deps;
    const found = this.#hub.findElsewhere(sessionId);
    if (found === undefined) return false;
    const { seq, epoch = 0 } = found.known;
    const last = this.#asked.get(sessionId);
    const atMs = nowMs();
    const isNew = last?.seq !== seq;
    const restMs = isNew ? ASK_AGAIN_MS : Math.min(2 * last.restMs, ASK_SELDOM_MS);
    if (last !== undefined && atMs - last.atMs < (isNew ? ASK_AGAIN_MS : last.restMs)) return false;
    this.#asked.set(sessionId, { atMs, seq, restMs });
    bus.publish({ kind: "follow", sessionId, seq, epoch });
    return true;
  }

  /** Fulfilled when a run of the session elsewhere is shown, or soon, where there is none. */
  async #awaitRun(sessionId: SessionId): Promise<void> {
    const waiting = this.#awaited.get(sessionId) ?? new Set();
    this.#awaited.set(sessionId, waiting);
    this.#asked.delete(sessionId);
    this.#ask(sessionId);
    await new Promise<void>((resolve) => {
      const stop = this.#deps.after(AWAIT_RUN_MS, () => end());
      const end = () => {
        stop();
        waiting.delete(end);
        if (waiting.size === 0) this.#awaited.delete(sessionId);
        resolve();
      };
      waiting.add(end);
    });
  }

  #lookSoon(sessionId: SessionId): void {
    if (this.#hub.findElsewhere(sessionId) === undefined) return;
    this.#toLookAt.add(sessionId);
    this.#stopLooking ??= this.#deps.after(LOOK_MS, () => {
      this.#stopLooking = undefined;
      const sessionIds = [...this.#toLookAt];
      this.#toLookAt.clear();
      void this.#look(sessionIds);
    });
  }

  /** Asks the store how far the sessions are. Never rejects: it is asked again. */
  async #look(sessionIds: readonly SessionId[]): Promise<void> {
    this.#forgetUnfollowed();
    for (let at = 0; at < sessionIds.length; at += LOOK_AT_MOST) {
      const some = sessionIds.slice(at, at + LOOK_AT_MOST);
      const runs = new Map(some.map((each) => [each, this.#hub.findElsewhere(each)?.run]));
      const heads = await this.#deps.sessions.listHeads(some).catch(() => []);
      if (this.#isClosed) return;
      for (const head of heads) this.#learn(head, runs.get(head.sessionId));
    }
  }

  /** `run`: what was shown when the store was asked. */
  #learn({ sessionId, headSeq, headEpoch, runEpoch }: SessionHead, run: ShownRun | undefined) {
    const goneRun = run?.epoch === runEpoch ? undefined : run;
    this.#hub.learnElsewhere(sessionId, { seq: headSeq, epoch: headEpoch }, goneRun);
    if (runEpoch === undefined) this.#lacking.delete(sessionId);
    else if (
      this.#lacking.has(sessionId) ||
      this.#hub.findElsewhere(sessionId)?.run === undefined
    ) {
      this.#ask(sessionId);
    }
  }

  #forgetUnfollowed(): void {
    for (const kept of [this.#asked, this.#lacking]) {
      for (const sessionId of kept.keys()) {
        if (this.#hub.findElsewhere(sessionId) === undefined) kept.delete(sessionId);
      }
    }
  }

  /** Calls `work` again and again, each time when the last one is done. */
  #repeat(everyMs: number, work: () => Promise<void> | void): void {
    const wait = () => {
      const stop = this.#deps.after(everyMs, () => {
        this.#stops.delete(stop);
        void run();
      });
      this.#stops.add(stop);
    };
    const run = async () => {
      await work();
      if (!this.#isClosed) wait();
    };
    wait();
  }
}

/** Cuts frames into pieces that are not too long for one message. */
function toPieces(frames: readonly LiveFrame[]): LiveFrame[][] {
  const pieces: LiveFrame[][] = [];
  let chars = MAX_MESSAGE_CHARS;
  for (const each of frames) {
    if (chars + each.frame.length > MAX_MESSAGE_CHARS) {
      pieces.push([]);
      chars = 0;
    }
    pieces.at(-1)?.push(each);
    chars += each.frame.length;
  }
  return pieces;
}
