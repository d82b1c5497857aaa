import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type { SessionRepository, TurnSummary } from "#domain/session/session-repository.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { After } from "../ports/clock.ts";
import type { LiveFrame, ShownFrames } from "../ports/live-frame.ts";

/** Turns events into the text of frames. */
export interface FrameEncoder {
  event(input: {
    readonly sessionId: SessionId;
    readonly turnId: TurnId;
    readonly epoch: number;
    readonly seq: number;
    readonly event: TurnEvent;
  }): string;
  snapshot(input: {
    readonly sessionId: SessionId;
    /** That of the last message. */
    readonly turnId: TurnId;
    readonly epoch: number;
    readonly seq: number;
    readonly messages: readonly Message[];
    readonly turns: readonly TurnSummary[];
  }): string;
}

export interface SessionHubDeps {
  readonly sessions: Pick<SessionRepository, "find" | "readConversation" | "readEvents">;
  readonly encode: FrameEncoder;
  readonly after: After;
  /**
   * Called once where a follower has a position that the store lacks and nothing runs here: what
   * it has may be of a run elsewhere. Fulfilled when that is known, or soon.
   */
  readonly awaitRun?: (sessionId: SessionId) => Promise<void>;
}

export interface FollowInput {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  /** The last event the follower has; 0 for none. */
  readonly after: number;
  /** That event's epoch, where the follower knows it. */
  readonly epoch?: number | undefined;
}

export type FollowResult =
  | { readonly kind: "following"; stop(): void }
  /** There is no such session of this user. */
  | { readonly kind: "not-found" };

/** Takes frames in order. */
export type FrameSink = (frames: readonly string[]) => void;

/** What a turn shows while it runs. */
export interface ShownRun {
  readonly epoch: number;
  /** The first event of the run. */
  readonly firstSeq: number;
  /** The latest of its frames, stored or not, without a gap; never empty. */
  readonly frames: readonly LiveFrame[];
}

/** The last event of a session that is stored, as far as is known. */
export interface StoredHead {
  readonly seq: number;
  readonly epoch: number | undefined;
}

/** What became of frames of a run elsewhere. */
export type TakeResult =
  | "shown"
  /** There is nothing new in them. */
  | "known"
  /** Something is missing between what is known and them. */
  | "gap"
  /** Another run of the session is shown: one of the two is dead. */
  | "conflict";

interface Run extends ShownRun {
  readonly frames: LiveFrame[];
  readonly isHere: boolean;
  /** Known of one that runs here. */
  readonly turnId?: TurnId;
}

/** How far somebody has come in the log; `isStored`: the store has that event. */
interface Position {
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly isStored: boolean;
}

interface Follower {
  readonly sink: FrameSink;
  /** What the follower has; `undefined` while it is being brought up to date. */
  have: Position | undefined;
  isStopped: boolean;
}

/** A session that somebody follows or that a turn runs in. */
interface LiveSession {
  readonly id: SessionId;
  readonly followers: Set<Follower>;
  /** The run that is shown, be it here or elsewhere. Without one, what followers have is stored. */
  run: Run | undefined;
  head: StoredHead | undefined;
  /** Goes up when a run begins or ends, or more is known to be stored. */
  version: number;
}

interface Stretch {
  /** The store has no such position. */
  readonly isNowhere: boolean;
  readonly frames: readonly string[];
  readonly position: Position;
}

/** Who lacks more than this gets a snapshot instead. */
const REPLAY_EVENTS = 2_000;
const SNAPSHOT_MESSAGES = 200;
const STORE_RETRY_MS = 500;

/**
 * Brings what turns show to all who follow their session, and brings late comers up to date:
 * from the store what was stored, from memory what the running turn has shown so far.
 *
 * What a follower has is told by `seq` and `epoch` of its last event. The log only grows: where
 * the store has that event, it has all the follower has, and where it turns out not to have it,
 * the follower saw a run that died. So in every doubt the store is asked, and is right.
 */
export class SessionHub {
  readonly #deps: SessionHubDeps;
  readonly #live = new Map<SessionId, LiveSession>();

  constructor(deps: SessionHubDeps) {
    this.#deps = deps;
  }

  /** How many sessions somebody follows or a turn runs in. */
  get size(): number {
    return this.#live.size;
  }

  /**
   * Takes in the next frames of a session's turn that runs here. They follow the last ones.
   *
   * A turn begins when the one before it is stored; but that ran in another thread, whose last word
   * may come later. So the first frames of a turn settle the one before it, whose last is given
   * then, and what comes of that afterwards is known.
   */
  publish({ sessionId, turnId, epoch, frames }: ShownFrames): StoredHead | undefined {
    const [first] = frames;
    if (first === undefined) return undefined;
    const live = this.#open(sessionId);
    const { run: shown } = live;
    const other = shown?.isHere && shown.turnId !== turnId ? shown : undefined;
    if (other !== undefined && first.seq < other.firstSeq) return undefined;
    const before = other?.epoch === epoch ? this.#endRunHere(live, other) : undefined;
    const { run } = live;
    const goesOn = run?.isHere && run.epoch === epoch && first.seq === lastSeqOf(run) + 1;
    if (goesOn) run.frames.push(...frames);
    else {
      this.#show(live, { turnId, epoch, firstSeq: first.seq, frames: [...frames], isHere: true });
    }
    this.#deliverAll(live);
    return before;
  }

  /**
   * The turn that ran here ended and all it showed is stored. Gives the last of it; nothing where
   * it is not the one that is shown.
   */
  settle(sessionId: SessionId, turnId: TurnId): StoredHead | undefined {
    const live = this.#live.get(sessionId);
    const run = live?.run;
    if (live === undefined || !run?.isHere || run.turnId !== turnId) return undefined;
    const head = this.#endRunHere(live, run);
    this.#closeIfIdle(live);
    return head;
  }

  /** The running turn died: followers get a snapshot in place of what was not stored of it. */
  reset(sessionId: SessionId): void {
    const live = this.#live.get(sessionId);
    if (live?.run === undefined) return;
    this.#endRun(live, undefined);
    this.#closeIfIdle(live);
  }

  /** The run of a turn that runs here. */
  findRunHere(sessionId: SessionId): ShownRun | undefined {
    const run = this.#live.get(sessionId)?.run;
    return run?.isHere ? run : undefined;
  }

  /** The sessions that somebody follows here while nothing of them runs here. */
  *followedElsewhere(): Iterable<SessionId> {
    for (const live of this.#live.values()) if (isElsewhere(live)) yield live.id;
  }

  /** The run that is shown of such a session, and what is known of it all together. */
  findElsewhere(
    sessionId: SessionId,
  ): { readonly run: ShownRun | undefined; readonly known: StoredHead } | undefined {
    const live = this.#live.get(sessionId);
    if (live === undefined || !isElsewhere(live)) return undefined;
    const { run, head } = live;
    const known = run ? { seq: lastSeqOf(run), epoch: run.epoch } : (head ?? { seq: 0, epoch: 0 });
    return { run, known };
  }

  /** Takes in frames of a turn that runs elsewhere: late, doubled or with gaps, as they come. */
  takeElsewhere(sessionId: SessionId, shown: ShownRun): TakeResult {
    const live = this.#live.get(sessionId);
    if (live === undefined || !isElsewhere(live)) return "known";
    const { run } = live;
    if (run === undefined) return this.#beginElsewhere(live, shown);
    if (run.epoch !== shown.epoch || run.firstSeq !== shown.firstSeq) {
      const isOld = shown.firstSeq <= (live.head?.seq ?? 0) && shown.epoch !== live.head?.epoch;
      return isOld ? "known" : "conflict";
    }
    const lacking = framesAfter(shown, lastSeqOf(run));
    const [first] = lacking;
    if (first === undefined) return "known";
    if (first.seq > lastSeqOf(run) + 1) return "gap";
    run.frames.push(...lacking);
    this.#deliverAll(live);
    return "shown";
  }

  /**
   * The store has the session's events up to `head`. `goneRun`, where it is the one that is shown,
   * runs no more: all it brought forth is stored, or it died.
   */
  learnElsewhere(sessionId: SessionId, head: StoredHead, goneRun?: ShownRun): void {
    const live = this.#live.get(sessionId);
    if (live === undefined || !isElsewhere(live)) return;
    if (live.run !== undefined && live.run === goneRun) this.#endRun(live, head);
    else this.#learn(live, head);
  }

  /**
   * Sends what the follower lacks, then everything new as it happens, until `stop`. A position
   * that does not exist (any more) is answered with a snapshot. Rejects with `Fault`.
   */
  async follow(input: FollowInput, sink: FrameSink): Promise<FollowResult> {
    const { sessionId, userId } = input;
    // Before anything is read: what happens from then on is not missed.
    const live = this.#open(sessionId);
    const follower: Follower = { sink, have: undefined, isStopped: false };
    live.followers.add(follower);
    const stop = () => {
      follower.isStopped = true;
      live.followers.delete(follower);
      this.#closeIfIdle(live);
    };
    try {
      const { version } = live;
      const session = await this.#deps.sessions.find(sessionId);
      if (session?.userId !== userId) {
        stop();
        return { kind: "not-found" };
      }
      const { headSeq, headEpoch } = session;
      this.#learnFromRead(live, { seq: headSeq, epoch: headEpoch, isStored: true }, version);
      await this.#catchUp(live, follower, startOf(input, session));
    } catch (error) {
      stop();
      throw error;
    }
    return { kind: "following", stop };
  }

  /** The first frames of a run elsewhere, or the first that are heard of here. */
  #beginElsewhere(live: LiveSession, shown: ShownRun): TakeResult {
    const { head } = live;
    const isFromItsStart = shown.frames[0]?.seq === shown.firstSeq;
    if (head === undefined) {
      // Nobody here knows the log yet; whoever reads it will see whether this goes on from there.
      if (!isFromItsStart) return "gap";
      this.#show(live, { ...shown, frames: [...shown.frames], isHere: false });
      return "shown";
    }
    const lacking = framesAfter(shown, head.seq);
    const [first] = lacking;
    if (first === undefined) return "known";
    if (shown.firstSeq <= head.seq && head.epoch !== undefined && shown.epoch !== head.epoch) {
      // It wants to have stored what another run has stored: it died long ago.
      return "known";
    }
    if (first.seq > head.seq + 1) return "gap";
    this.#show(live, { ...shown, frames: lacking, isHere: false });
    this.#deliverAll(live);
    return "shown";
  }

  #show(live: LiveSession, run: Run): void {
    live.run = run;
    live.version += 1;
  }

  #endRunHere(live: LiveSession, run: Run): StoredHead {
    const head = { seq: lastSeqOf(run), epoch: run.epoch };
    this.#endRun(live, head);
    return head;
  }

  /** From here on the log has no run but what it has stored, up to `head` at least. */
  #endRun(live: LiveSession, head: StoredHead | undefined): void {
    live.run = undefined;
    live.version += 1;
    if (head !== undefined && head.seq >= (live.head?.seq ?? -1)) live.head = head;
    for (const follower of live.followers) {
      const { have } = follower;
      if (have === undefined) continue;
      const isHead = have.seq === head?.seq && have.epoch === head.epoch;
      if (isHead) follower.have = { ...have, isStored: true };
      else if (!have.isStored || have.seq < (head?.seq ?? 0)) {
        void this.#catchUpAnew(live, follower, have);
      }
    }
  }

  #deliverAll(live: LiveSession): void {
    for (const follower of live.followers) this.#deliver(live, follower);
  }

  #deliver(live: LiveSession, follower: Follower): void {
    const { have } = follower;
    const { run } = live;
    if (have === undefined || run === undefined) return;
    const isSure = isOfRun(run, have);
    const lacking = framesAfter(run, have.seq);
    const [first] = lacking;
    if (isSure && first === undefined) return;
    if (!isSure || first?.seq !== have.seq + 1) {
      void this.#catchUpAnew(live, follower, have);
      return;
    }
    follower.have = { seq: lastSeqOf(run), epoch: run.epoch, isStored: false };
    follower.sink(lacking.map(({ frame }) => frame));
  }

  /** Never rejects: tries again for as long as the store needs. */
  async #catchUpAnew(live: LiveSession, follower: Follower, have: Position): Promise<void> {
    follower.have = undefined;
    let from: Position | undefined = have;
    while (!follower.isStopped) {
      try {
        await this.#catchUp(live, follower, from);
        return;
      } catch {
        // Part of the way may have been gone: only a snapshot fits whatever the follower has now.
        from = undefined;
        await this.#pause();
      }
    }
  }

  async #catchUp(live: LiveSession, follower: Follower, from: Position | undefined): Promise<void> {
    let have = from;
    let mayWait = this.#deps.awaitRun !== undefined;
    while (!follower.isStopped) {
      if (have !== undefined && isJoinedAt(live, have)) {
        this.#join(live, follower, have);
        return;
      }
      const { version } = live;
      const read: Stretch = await this.#readFrom(live.id, have);
      if (follower.isStopped) return;
      if (read.isNowhere && mayWait && live.run === undefined) {
        mayWait = false;
        await this.#deps.awaitRun?.(live.id);
      } else {
        if (read.frames.length > 0) follower.sink(read.frames);
        const isStuck = have?.isStored && have.seq === read.position.seq;
        have = read.position;
        this.#learnFromRead(live, have, version);
        // Not to be met with, but for a log that shrank: it must not keep the store busy.
        if (isStuck && !isJoinedAt(live, have)) await this.#pause();
      }
    }
  }

  /** `version`: that of the session when the read began. */
  #learnFromRead(live: LiveSession, { seq, epoch }: Position, version: number): void {
    const isBehind = seq < (live.head?.seq ?? 0);
    if (isBehind && live.version === version) live.head = { seq, epoch };
    else this.#learn(live, { seq, epoch });
  }

  /** The store has events up to `head`: whoever does not have them yet gets them from there. */
  #learn(live: LiveSession, head: StoredHead): void {
    const { run } = live;
    if (run === undefined ? head.seq > (live.head?.seq ?? -1) : isOvertaken(run, head)) {
      this.#endRun(live, head);
    } else if (head.seq >= (live.head?.seq ?? -1)) live.head = head;
  }

  /** The stored events after a position, or a snapshot where they cannot be had. */
  async #readFrom(sessionId: SessionId, from: Position | undefined): Promise<Stretch> {
    if (from === undefined) return this.#readSnapshot(sessionId);
    const { sessions, encode } = this.#deps;
    const { seq, epoch } = from;
    const read = await sessions.readEvents({
      sessionId,
      after: seq,
      limit: REPLAY_EVENTS,
      ...(epoch === undefined ? {} : { epoch }),
    });
    const isNowhere = read.kind === "unknown-position";
    if (isNowhere || !read.isLast) return { ...(await this.#readSnapshot(sessionId)), isNowhere };
    const last = read.events.at(-1) ?? {
      seq,
      epoch: epoch ?? (await this.#epochAt(sessionId, seq)),
    };
    return {
      isNowhere,
      frames: read.events.map((stored) => encode.event({ sessionId, ...stored })),
      position: { seq: last.seq, epoch: last.epoch, isStored: true },
    };
  }

  /** The epoch of the last stored event, where that is `seq`. */
  async #epochAt(sessionId: SessionId, seq: number): Promise<number | undefined> {
    const session = await this.#deps.sessions.find(sessionId);
    return session?.headSeq === seq ? session.headEpoch : undefined;
  }

  async #readSnapshot(sessionId: SessionId): Promise<Stretch> {
    const { sessions, encode } = this.#deps;
    const stored = await sessions.readConversation({ sessionId, limit: SNAPSHOT_MESSAGES });
    const { messages = [], turns = [] } = stored ?? {};
    const { headSeq: seq = 0, headEpoch: epoch = 0 } = stored?.session ?? {};
    const position = { seq, epoch, isStored: true };
    const turnId = messages.at(-1)?.turnId;
    if (turnId === undefined) return { isNowhere: false, frames: [], position };
    const frame = encode.snapshot({ sessionId, turnId, epoch, seq, messages, turns });
    return { isNowhere: false, frames: [frame], position };
  }

  /** From here on the follower has all up to `have` and gets everything after it. */
  #join(live: LiveSession, follower: Follower, have: Position): void {
    const epoch = have.epoch ?? live.run?.epoch;
    follower.have = have.isStored ? have : { ...have, epoch };
    this.#deliver(live, follower);
  }

  #open(sessionId: SessionId): LiveSession {
    const known = this.#live.get(sessionId);
    if (known !== undefined) return known;
    const live: LiveSession = {
      id: sessionId,
      followers: new Set(),
      run: undefined,
      head: undefined,
      version: 0,
    };
    this.#live.set(sessionId, live);
    return live;
  }

  #closeIfIdle(live: LiveSession): void {
    if (live.run?.isHere || live.followers.size > 0) return;
    // Another may have taken its place meanwhile.
    if (this.#live.get(live.id) === live) this.#live.delete(live.id);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.after(STORE_RETRY_MS, resolve);
    });
  }
}

/** Where to go on from, as far as the head of the log tells; `undefined` where that is too much. */
function startOf(
  { after: seq, epoch }: FollowInput,
  { headSeq, headEpoch }: Session,
): Position | undefined {
  if (headSeq - seq > REPLAY_EVENTS) return undefined;
  const isStored = seq === headSeq && (epoch === undefined || epoch === headEpoch);
  return isStored ? { seq, epoch: headEpoch, isStored } : { seq, epoch, isStored };
}

function isElsewhere({ followers, run }: LiveSession): boolean {
  return followers.size > 0 && !run?.isHere;
}

function lastSeqOf({ frames }: ShownRun): number {
  return frames.at(-1)?.seq ?? 0;
}

function framesAfter({ frames }: ShownRun, seq: number): LiveFrame[] {
  const first = frames[0]?.seq ?? 0;
  return frames.slice(Math.max(0, seq + 1 - first));
}

/** Whether the log has all that the run has shown, or went on without it. */
function isOvertaken(run: Run, { seq, epoch }: StoredHead): boolean {
  // What runs here says itself when it ends, and why.
  if (run.isHere || epoch === undefined) return false;
  return epoch === run.epoch ? seq >= lastSeqOf(run) : seq >= run.firstSeq;
}

/** Whether what the run shows goes on from there, or somebody has a part of it. */
function isOfRun(run: Run, { seq, epoch, isStored }: Position): boolean {
  return epoch === run.epoch || (isStored && seq < run.firstSeq);
}

/** Whether a follower that has all up to `have` lacks nothing but what is in memory. */
function isJoinedAt({ run, head }: LiveSession, { seq, epoch, isStored }: Position): boolean {
  const first = run?.frames[0]?.seq;
  if (run === undefined || first === undefined) return isStored && seq >= (head?.seq ?? 0);
  if (isStored) return isOfRun(run, { seq, epoch, isStored }) && seq >= first - 1;
  const isOfThisRun = epoch === undefined || epoch === run.epoch;
  return isOfThisRun && seq >= first && seq <= lastSeqOf(run);
}
