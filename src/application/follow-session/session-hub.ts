import type { Message } from "#domain/message/message.ts";
import type { SessionRepository, TurnSummary } from "#domain/session/session-repository.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";

/** An event as its followers get it. */
export interface LiveFrame {
  readonly seq: number;
  readonly frame: string;
}

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
  readonly sessions: SessionRepository;
  readonly encode: FrameEncoder;
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

interface Follower {
  readonly sink: FrameSink;
  /** What the follower has; `undefined` while it is being brought up to date. */
  position: number | undefined;
  isStopped: boolean;
}

/** A session that somebody follows or that a turn runs in. */
interface LiveSession {
  readonly followers: Set<Follower>;
  epoch: number;
  /** The frames of the running turn, stored or not, without a gap up to `lastSeq`. */
  frames: LiveFrame[];
  lastSeq: number;
  isRunning: boolean;
  /** Goes up whenever what was published so far turns out never to have been stored. */
  generation: number;
}

/** How far somebody has come in the log; `isStored`: the store has that event. */
interface Position {
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly isStored: boolean;
}

interface Stretch {
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
 */
export class SessionHub {
  readonly #sessions: SessionRepository;
  readonly #encode: FrameEncoder;
  readonly #live = new Map<SessionId, LiveSession>();

  constructor({ sessions, encode }: SessionHubDeps) {
    this.#sessions = sessions;
    this.#encode = encode;
  }

  /** How many sessions somebody follows or a turn runs in. */
  get size(): number {
    return this.#live.size;
  }

  /** Takes in the next frames of a session's running turn. They go on where the last ones ended. */
  publish(sessionId: SessionId, epoch: number, frames: readonly LiveFrame[]): void {
    const live = this.#open(sessionId);
    live.epoch = epoch;
    live.isRunning = true;
    live.frames.push(...frames);
    live.lastSeq = frames.at(-1)?.seq ?? live.lastSeq;
    for (const follower of live.followers) this.#deliver(follower, frames);
  }

  /** The running turn ended and all it showed is stored. */
  settle(sessionId: SessionId): void {
    const live = this.#live.get(sessionId);
    if (live === undefined) return;
    live.isRunning = false;
    this.#forgetStored(live);
    this.#closeIfIdle(sessionId, live);
  }

  /** The running turn died: followers get a snapshot in place of what it had shown. */
  reset(sessionId: SessionId): void {
    const live = this.#live.get(sessionId);
    if (live === undefined) return;
    live.generation += 1;
    live.isRunning = false;
    live.frames = [];
    live.lastSeq = 0;
    for (const follower of live.followers) {
      if (isCatchingUp(follower)) continue;
      follower.position = undefined;
      void this.#catchUpAnew(sessionId, live, follower);
    }
  }

  /**
   * Sends what the follower lacks, then everything new as it happens, until `stop`. A position
   * that does not exist (any more) is answered with a snapshot. Rejects with `Fault`.
   */
  async follow(input: FollowInput, sink: FrameSink): Promise<FollowResult> {
    const { sessionId, userId } = input;
    const session = await this.#sessions.find(sessionId);
    if (session?.userId !== userId) return { kind: "not-found" };
    const live = this.#open(sessionId);
    const follower: Follower = { sink, position: undefined, isStopped: false };
    live.followers.add(follower);
    const stop = () => {
      this.#drop(live, follower);
      this.#closeIfIdle(sessionId, live);
    };
    try {
      await this.#catchUp(sessionId, live, follower, input);
    } catch (error) {
      stop();
      throw error;
    }
    return { kind: "following", stop };
  }

  /** Never rejects: tries again for as long as the store needs. */
  async #catchUpAnew(sessionId: SessionId, live: LiveSession, follower: Follower): Promise<void> {
    while (!follower.isStopped) {
      try {
        await this.#catchUp(sessionId, live, follower, undefined);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS));
      }
    }
  }

  async #catchUp(
    sessionId: SessionId,
    live: LiveSession,
    follower: Follower,
    from: Pick<FollowInput, "after" | "epoch"> | undefined,
  ): Promise<void> {
    let have: Position | undefined = from && {
      seq: from.after,
      epoch: from.epoch,
      isStored: false,
    };
    while (!follower.isStopped) {
      if (have !== undefined && isJoinedAt(live, have)) {
        this.#join(live, follower, have.seq);
        return;
      }
      const { generation } = live;
      const read: Stretch = await this.#readFrom(sessionId, have);
      if (generation !== live.generation) {
        // A run died meanwhile: what was read may be older than what its session has now.
        have = undefined;
      } else if (!follower.isStopped) {
        if (read.frames.length > 0) follower.sink(read.frames);
        have = read.position;
      }
    }
  }

  /** The stored events after a position, or a snapshot where they cannot be had. */
  async #readFrom(sessionId: SessionId, from: Position | undefined): Promise<Stretch> {
    if (from === undefined) return this.#readSnapshot(sessionId);
    const { seq, epoch } = from;
    const read = await this.#sessions.readEvents({
      sessionId,
      after: seq,
      limit: REPLAY_EVENTS,
      ...(epoch === undefined ? {} : { epoch }),
    });
    if (read.kind === "unknown-position" || !read.isLast) return this.#readSnapshot(sessionId);
    const last = read.events.at(-1);
    return {
      frames: read.events.map((stored) => this.#encode.event({ sessionId, ...stored })),
      position: { seq: last?.seq ?? seq, epoch: last?.epoch ?? epoch, isStored: true },
    };
  }

  async #readSnapshot(sessionId: SessionId): Promise<Stretch> {
    const [session, messages] = await Promise.all([
      this.#sessions.find(sessionId),
      this.#sessions.listMessages({ sessionId, limit: SNAPSHOT_MESSAGES }),
    ]);
    const { headSeq: seq = 0, headEpoch: epoch = 0 } = session ?? {};
    const turnId = messages.at(-1)?.turnId;
    const turns = await this.#sessions.listTurns(messages);
    const position = { seq, epoch, isStored: true };
    if (turnId === undefined) return { frames: [], position };
    return {
      frames: [this.#encode.snapshot({ sessionId, turnId, epoch, seq, messages, turns })],
      position,
    };
  }

  /** From here on the follower has all up to `seq` and gets everything after it. */
  #join(live: LiveSession, follower: Follower, seq: number): void {
    live.lastSeq = Math.max(live.lastSeq, seq);
    follower.position = seq;
    this.#deliver(follower, live.frames);
    this.#forgetStored(live);
  }

  #deliver(follower: Follower, frames: readonly LiveFrame[]): void {
    const { position } = follower;
    if (position === undefined) return;
    const lacking = frames.filter(({ seq }) => seq > position);
    const last = lacking.at(-1);
    if (last === undefined) return;
    follower.position = last.seq;
    follower.sink(lacking.map(({ frame }) => frame));
  }

  #open(sessionId: SessionId): LiveSession {
    const known = this.#live.get(sessionId);
    if (known !== undefined) return known;
    const live: LiveSession = {
      followers: new Set(),
      epoch: 0,
      frames: [],
      lastSeq: 0,
      isRunning: false,
      generation: 0,
    };
    this.#live.set(sessionId, live);
    return live;
  }

  #drop(live: LiveSession, follower: Follower): void {
    follower.isStopped = true;
    live.followers.delete(follower);
    this.#forgetStored(live);
  }

  /** Drops frames that are stored, unless somebody who is being brought up to date needs them. */
  #forgetStored(live: LiveSession): void {
    if (!live.isRunning && ![...live.followers].some(isCatchingUp)) live.frames = [];
  }

  #closeIfIdle(sessionId: SessionId, live: LiveSession): void {
    if (!live.isRunning && live.followers.size === 0) this.#live.delete(sessionId);
  }
}

function isCatchingUp({ position }: Follower): boolean {
  return position === undefined;
}

/** Whether a follower that has all up to `have` lacks nothing but what is in memory. */
function isJoinedAt(live: LiveSession, { seq, epoch, isStored }: Position): boolean {
  const first = live.frames[0];
  if (first === undefined) return isStored && seq >= live.lastSeq;
  if (isStored) return seq >= first.seq - 1;
  const isOfThisRun = epoch === undefined || epoch === live.epoch;
  return isOfThisRun && seq >= first.seq && seq <= live.lastSeq;
}
