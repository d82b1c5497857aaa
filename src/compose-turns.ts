import { createAcceptConversation } from "#application/accept-conversation/accept-conversation.ts";
import { createAcceptMessage } from "#application/accept-message/accept-message.ts";
import { createInterruptTurn } from "#application/accept-message/interrupt-turn.ts";
import { createCompactSession } from "#application/build-context/compact-session.ts";
import { createCancelTask } from "#application/cancel-task/cancel-task.ts";
import { createCancelTurn } from "#application/cancel-turn/cancel-turn.ts";
import { TurnDispatcher } from "#application/dispatch-turns/turn-dispatcher.ts";
import { SessionRelay } from "#application/follow-session/session-relay.ts";
import { createManageContext } from "#application/manage-context/manage-context.ts";
import { createManageMemory } from "#application/manage-memory/manage-memory.ts";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { TurnQueued } from "#application/ports/turn-queued.ts";
import { createReadTimeline } from "#application/read-timeline/read-timeline.ts";
import { createReadTurn } from "#application/read-turn/read-turn.ts";
import { createBranches } from "#application/regenerate-turn/choose-branch.ts";
import { createRegenerateTurn } from "#application/regenerate-turn/regenerate-turn.ts";
import { createReportTask } from "#application/report-task/report-task.ts";
import { createExpireApproval } from "#application/resolve-approval/expire-approval.ts";
import { createResolveApproval } from "#application/resolve-approval/resolve-approval.ts";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { parseInstanceId, type TurnId } from "#domain/shared/id.ts";
import { sumUsage } from "#domain/spend/model-call.ts";
import { failpoint } from "#infrastructure/failpoints/failpoints.ts";
import { newId, newIdAfter, sha256 } from "#infrastructure/ids/ids.ts";
import type { Store } from "#infrastructure/store/open-store.ts";
import {
  createApprovalRepository,
  createBackgroundTasks,
  createCompactionRepository,
  createContextStore,
  createInstanceRegistry,
  createNoteRepository,
  createPinRepository,
  createSessionRepository,
  createSpendRepository,
  createTaskRepository,
  createTranscriptRepository,
  createTurnLog,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import type { ThreadMeasures } from "#infrastructure/telemetry/thread-meter.ts";
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
  readonly onMeasured: (measures: ThreadMeasures) => void;
  readonly onReportsDue: () => void;
  readonly nowMs: () => number;
  readonly log: Logger;
}

export function openTurns(deps: TurnsDeps) {
  const { store, pool, bus, config, onMeasured, onReportsDue, nowMs, log } = deps;
  const background = createBackgroundTasks(store.writer);
  const turns = createTurnLog(store.writer);
  const sessions = createSessionRepository(store.reader, store.writer);
  const turnReader = createTurnReader(store.reader);
  const findTurn: typeof turnReader.find = (turnId) => turnReader.find(turnId);
  const encode = { event: encodeEventFrame, snapshot: encodeSnapshotFrame };
  const relay = new SessionRelay({ sessions, encode, bus, after: schedule, nowMs });
  const followSession: SessionRelay["follow"] = (input, sink) => relay.follow(input, sink);
  pool.listen({
    attachStore: (port) => store.attach(port),
    onShown: (shown) => relay.publish(shown),
    onEnded: (sessionId, turnId) => relay.settle(sessionId, turnId),
    onMeasured,
    onReportsDue,
    onCallsLost: (turnId) => {
      background.interrupt(turnId, nowMs()).then(onReportsDue, (error: unknown) => {
        log.error({ turnId, error }, "Cannot end the tasks of a dead thread before the next start");
      });
    },
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
    else if (notice.kind === "cancel-task") pool.cancelTask(notice.taskId);
    else if (notice.kind === "reconnected") dispatcher.catchUp();
  });
  const turnQueued: TurnQueued = (sessionId) => dispatcher.wake(sessionId);
  const stopRun = (turnId: TurnId) => {
    dispatcher.cancel(turnId);
    bus.publish({ kind: "cancel-turn", turnId });
  };
  const interrupt = createInterruptTurn({ turns, reader: turnReader, stopRun, turnQueued });
  const accepting = { turns, dispatcher, interrupt, newId, newIdAfter, nowMs, log };
  const accept = createAcceptMessage(accepting);
  // Every message comes this way: without failpoints nothing stands in between.
  const acceptMessage = config.failpoints === undefined ? accept : passAnswered(accept);
  const conversations = createAcceptConversation({
    acceptMessage,
    importTurn: (input) => turns.importTurn(input),
    hasSession: async (sessionId) => (await sessions.find(sessionId)) !== undefined,
    transcripts: createTranscriptRepository(store.reader, store.writer),
    hash: sha256,
    newId,
    nowMs,
  });
  const approvals = createApprovalRepository(store.reader, store.writer);
  const resolving = { approvals, wake: turnQueued, nowMs };
  const spend = createSpendRepository(store.reader, store.writer);
  const tasks = createTaskRepository(store.reader, store.writer);
  return {
    dispatcher,
    sessions,
    approvals,
    tasks,
    expireApproval: createExpireApproval(resolving),
    reportTask: createReportTask({
      findTask: (taskId) => tasks.find(taskId),
      acceptMessage,
      log,
    }),
    useCases: {
      ...createResolveApproval(resolving),
      ...createReadTurn({ turns: turnReader, sessions }),
      ...createManageContext({
        findSession: (sessionId) => sessions.find(sessionId),
        compactions: createCompactionRepository(store.reader, store.writer),
        pins: createPinRepository(store.reader, store.writer),
        nowMs,
      }),
      ...createManageMemory({
        notes: createNoteRepository(store.reader, store.writer),
        newId,
        nowMs,
      }),
      compactSession: createCompactSession({
        sessions,
        store: createContextStore(store.reader, store.writer),
        newId,
        nowMs,
      }),
      readTimeline: createReadTimeline({
        turns: turnReader,
        spend,
        tasks,
        approvals,
      }),
      ...createBranches({ sessions }),
      ...conversations,
      acceptMessage,
      regenerateTurn: createRegenerateTurn({ turns: turnReader, acceptMessage }),
      cancelTurn: createCancelTurn({ findTurn, turns, turnQueued, stopRun }),
      cancelTask: createCancelTask({
        findTask: (taskId) => tasks.find(taskId),
        stopCall: (taskId) => {
          pool.cancelTask(taskId);
          bus.publish({ kind: "cancel-task", taskId });
        },
      }),
      readUsage: async (turnId: TurnId) => sumUsage(await spend.listModelCalls(turnId)),
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
