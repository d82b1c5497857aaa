import type { LiveFrame } from "#application/ports/live-frame.ts";
import type { Message } from "#domain/message/message.ts";
import type {
  ReadEvents,
  SessionRepository,
  StoredEvent,
} from "#domain/session/session-repository.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";

export const USER = parseUserId("ada");
export const SESSION = parseSessionId("s1");
export const TURN = parseTurnId("t1");
const MESSAGE = parseMessageId("m1");

/** The log of one session in memory. Its frames are their place and epoch, as in "7@2". */
export interface SessionLog {
  readonly sessions: SessionRepository;
  readonly stored: readonly StoredEvent[];
  /** Makes the next `count` events, which are not stored yet. */
  next(count: number, epoch: number, after?: number): LiveFrame[];
  /** Stores all events up to and including `seq`. */
  store(seq: number, epoch: number): void;
  /** The epoch of the run of the session's turn; `undefined` where none runs. */
  runEpoch: number | undefined;
  /** Every read fails until it is called with `false`. */
  breakReads(isBroken: boolean): void;
}

/**
 * Reads happen when `delay` says, at one moment for all that were asked for together, as in the
 * store's own thread; their answers come when it says again.
 */
export function createSessionLog(delay: () => Promise<void> = () => Promise.resolve()): SessionLog {
  const stored: StoredEvent[] = [];
  let isBroken = false;
  let moment: Promise<readonly StoredEvent[]> | undefined;

  const read = async <T>(look: (events: readonly StoredEvent[]) => T): Promise<T> => {
    moment ??= readTogether();
    const events = await moment;
    await delay();
    return look(events);
  };
  async function readTogether() {
    queueMicrotask(() => {
      moment = undefined;
    });
    await delay();
    if (isBroken) throw new Fault("STORE_UNAVAILABLE", "Cannot read: the disk is gone");
    return [...stored];
  }

  const log: SessionLog = {
    stored,
    runEpoch: undefined,
    next: (count, epoch, after = stored.length) =>
      Array.from({ length: count }, (_, index) => frameOf(after + 1 + index, epoch)),
    store: (seq, epoch) => {
      while (stored.length < seq) {
        const event = { kind: "turn-completed" } as const;
        stored.push({ seq: stored.length + 1, epoch, turnId: TURN, event });
      }
    },
    breakReads: (broken) => {
      isBroken = broken;
    },
    sessions: {
      find: (id) => read((events) => (id === SESSION ? sessionOf(events) : undefined)),
      readEvents: (input) => read((events) => eventsAfter(events, input)),
      readConversation: ({ sessionId }) =>
        read((events) => {
          if (sessionId !== SESSION) return undefined;
          const turns = [{ id: TURN, state: "running" }] as const;
          return { session: sessionOf(events), messages: [messageOf(events)], turns };
        }),
      listMessages: () => read((events) => [messageOf(events)]),
      listTurns: () => read(() => [{ id: TURN, state: "running" }]),
      listHeads: () =>
        read((events) => {
          const { headSeq, headEpoch } = sessionOf(events);
          const { runEpoch } = log;
          return [{ sessionId: SESSION, headSeq, headEpoch, ...(runEpoch && { runEpoch }) }];
        }),
      list: () => Promise.reject(new Error("Cannot list: there is one session")),
      setModel: () => Promise.reject(new Error("Cannot choose a model: nothing is answered")),
      useBranch: () => Promise.reject(new Error("Cannot use a branch: there is one")),
      listBranches: () => read(() => []),
      delete: () => Promise.reject(new Error("Cannot delete: there is one session")),
    },
  };
  return log;
}

export function frameOf(seq: number, epoch: number): LiveFrame {
  return { seq, frame: `${seq}@${epoch}` };
}

function sessionOf(events: readonly StoredEvent[]) {
  const { seq: headSeq = 0, epoch: headEpoch = 0 } = events.at(-1) ?? {};
  const times = { createdAtMs: 0, updatedAtMs: 0 };
  return { id: SESSION, userId: USER, title: "", ...times, headSeq, headEpoch };
}

function eventsAfter(events: readonly StoredEvent[], { after, epoch, limit }: ReadEvents) {
  const at = events[after - 1];
  const { headSeq, headEpoch } = sessionOf(events);
  if (after > 0 && (at === undefined || (epoch !== undefined && at.epoch !== epoch))) {
    return { kind: "unknown-position", headSeq, headEpoch } as const;
  }
  const page = events.slice(after, after + limit);
  return { kind: "events", events: page, isLast: after + page.length === events.length } as const;
}

/** The session's only message: what has been stored, a frame a line. */
function messageOf(events: readonly StoredEvent[]): Message {
  const text = events.map(({ seq, epoch }) => frameOf(seq, epoch).frame).join("\n");
  const parts = [{ kind: "text", text }] as const;
  const ids = { id: MESSAGE, sessionId: SESSION, turnId: TURN };
  return { ...ids, role: "assistant", parts, isComplete: true, createdAtMs: 0 };
}
