import { createAcceptMessage } from "#application/accept-message/accept-message.ts";
import { createCancelTurn } from "#application/cancel-turn/cancel-turn.ts";
import { TurnDispatcher } from "#application/dispatch-turns/turn-dispatcher.ts";
import { SessionRelay } from "#application/follow-session/session-relay.ts";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { createReadTurn } from "#application/read-turn/read-turn.ts";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { parseInstanceId } from "#domain/shared/id.ts";
import { failpoint } from "#infrastructure/failpoints/failpoints.ts";
import { newId, newIdAfter } from "#infrastructure/ids/ids.ts";
import type { Store } from "#infrastructure/store/open-store.ts";
import {
  createInstanceRegistry,
  createSessionRepository,
  createTurnLog,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import type { AgentPool } from "#infrastructure/workers/agent-pool.ts";
import {
  encodeEventFrame,
  encodeSnapshotFrame,
  mayEndTurn,
} from "#presentation/gateway/event-frame.ts";
import type { Config } from "./config.ts";

/*
 * The way of a turn, put together: taken in, handed to a run, shown to who follows its session.
 */

export interface TurnsDeps {
  readonly store: Store;
  readonly pool: AgentPool;
  readonly bus: Bus;
  readonly config: Config;
  readonly nowMs: () => number;
  readonly log: Logger;
}

export function openTurns({ store, pool, bus, config, nowMs, log }: TurnsDeps) {
  const turns = createTurnLog(store.writer);
  const sessions = createSessionRepository(store.reader, store.writer);
  const turnReader = createTurnReader(store.reader);
  const findTurn: typeof turnReader.find = (turnId) => turnReader.find(turnId);
  const encode = { event: encodeEventFrame, snapshot: encodeSnapshotFrame };
  const relay = new SessionRelay({ sessions, encode, bus, after: schedule, nowMs });
  const followSession: SessionRelay["follow"] = (input, sink) => relay.follow(input, sink);
  pool.listen({
    attachStore: (port) => store.attach(port),
    onShown: (sessionId, epoch, frames) => relay.publish(sessionId, epoch, frames),
    onEnded: (sessionId) => relay.settle(sessionId),
  });
  const dispatcher = new TurnDispatcher({
    turns,
    runner: pool,
    instances: createInstanceRegistry(store.reader, store.writer),
    onRunLost: (sessionId) => relay.reset(sessionId),
    announceQueued: (sessionId) => bus.publish({ kind: "turns-queued", sessionId }),
    newInstanceId: () => parseInstanceId(newId()),
    nowMs,
    log,
    lease: { isShared: store.location.kind === "postgres", leaseMs: config.leaseMs },
    limits: { maxTurns: config.maxTurns, maxTurnsPerUser: config.maxTurnsPerUser },
  });
  // Does at once what the dispatcher would do by itself a little later.
  const stopListening = bus.listen((notice) => {
    if (notice.kind === "turns-queued") dispatcher.noteQueued(notice.sessionId);
    else if (notice.kind === "cancel-turn") dispatcher.cancel(notice.turnId);
    else if (notice.kind === "reconnected") dispatcher.catchUp();
  });
  const acceptMessage = createAcceptMessage({ turns, dispatcher, newId, newIdAfter, nowMs });
  return {
    dispatcher,
    sessions,
    useCases: {
      ...createReadTurn({ turns: turnReader, sessions }),
      // Every message comes this way: without failpoints nothing stands in between.
      acceptMessage: config.failpoints === undefined ? acceptMessage : passAnswered(acceptMessage),
      cancelTurn: createCancelTurn({
        findTurn,
        turns,
        stopRun: (turnId) => {
          dispatcher.cancel(turnId);
          bus.publish({ kind: "cancel-turn", turnId });
        },
      }),
      waitForTurn: createWaitForTurn({ findTurn, followSession, mayEndTurn }),
      followSession,
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopListening();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** Passes the failpoints on both sides of an answer that goes out when the promise is fulfilled. */
function passAnswered<Input, Result>(accept: (input: Input) => Promise<Result>) {
  return async (input: Input): Promise<Result> => {
    const result = await accept(input);
    failpoint("accept:answer");
    setImmediate(() => setImmediate(() => failpoint("accept:answered")));
    return result;
  };
}

function schedule(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
}
