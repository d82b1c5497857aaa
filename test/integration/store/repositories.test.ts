import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import type { Message } from "#domain/message/message.ts";
import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
  type TurnId,
} from "#domain/shared/id.ts";
import type { ImportTurn } from "#domain/turn/turn-log.ts";
import {
  createApprovalRepository,
  createAuditLog,
  createBackgroundTasks,
  createContextStore,
  createSessionRepository,
  createSkillRepository,
  createTaskRepository,
  createTranscriptRepository,
  createTurnLog,
} from "#infrastructure/store/repositories.ts";
import {
  describeBrakeRepository,
  describeCompactionRepository,
  describeNoteRepository,
  describePinRepository,
} from "../../contract/agent-repositories.ts";
import { describeApprovalRepository } from "../../contract/approvals.ts";
import { describeAuditLog } from "../../contract/audit.ts";
import { describeBackgroundTasks } from "../../contract/background-tasks.ts";
import { describeContextStore } from "../../contract/context-store.ts";
import { describeMcpPins } from "../../contract/mcp-pins.ts";
import { describeSkillRepository } from "../../contract/skills.ts";
import { describeSpendRepository } from "../../contract/spend.ts";
import { describeTaskRepository } from "../../contract/tasks.ts";
import { describeTranscriptRepository } from "../../contract/transcripts.ts";
import { messageOf, openAgentStore } from "../../support/agent-store.ts";
import { openJobEngine } from "../../support/open-job-engine.ts";
import { repositoriesOf, STORES, type TestStore } from "../../support/open-test-store.ts";

/** A session with one message of Alice's. */
function importOf(id: string): ImportTurn {
  const turnId = parseTurnId(`turn-of-${id}`);
  const sessionId = parseSessionId(id);
  const messages: Message[] = [
    {
      id: parseMessageId(`message-of-${id}`),
      sessionId,
      turnId,
      role: "user",
      parts: [{ kind: "text", text: "hi" }],
      isComplete: true,
      createdAtMs: 1,
    },
  ];
  return { sessionId, turnId, userId: parseUserId("alice"), messages, title: "hi", nowMs: 1 };
}

for (const [name, open] of STORES) {
  const openWith = async <T>(make: (opened: TestStore) => T) => {
    const opened = await open();
    for (const id of ["alice", "bob", "admin", "bobby"].map(parseUserId)) {
      await repositoriesOf(opened).users.add({ id, name: id, role: "member", createdAtMs: 1 });
    }
    return { ...make(opened), [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  };

  describeSkillRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      skills: createSkillRepository(reader, writer),
    })),
  );
  describeApprovalRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      approvals: createApprovalRepository(reader, writer),
    })),
  );
  describeTaskRepository(name, () =>
    openWith(({ store: { reader, writer } }) => ({ tasks: createTaskRepository(reader, writer) })),
  );
  describeTranscriptRepository(name, async () => {
    const opened = await openWith(({ store: { reader, writer } }) => ({
      transcripts: createTranscriptRepository(reader, writer),
      sessions: createSessionRepository(reader, writer),
      turns: createTurnLog(writer),
    }));
    for (const id of ["s1", "s2", "s3"]) await opened.turns.importTurn(importOf(id));
    return {
      ...opened,
      deleteSession: async (id) => void (await opened.sessions.delete(parseSessionId(id))),
    };
  });
  describeMcpPins(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      pin: (input) => writer.call("pinMcpTools", input),
      list: (place) => reader.call("listMcpPins", place),
    })),
  );
  describeAuditLog(name, () =>
    openWith(({ store: { reader, writer } }) => ({
      audit: createAuditLog(reader, writer),
      erase: async (userId) => {
        await writer.call("eraseAudit", userId);
      },
    })),
  );

  const openAgents = async () => {
    const agents = await openAgentStore(open);
    const audited = async () => {
      const entries = await agents.audit.read(0, 99);
      return entries.map(({ action, actor }) => {
        return [action, actor.kind === "kept" ? actor.value : "erased"] as const;
      });
    };
    return { ...agents, audited };
  };
  describeBrakeRepository(name, openAgents);
  describeNoteRepository(name, openAgents);
  describeCompactionRepository(name, async () => {
    const agents = await openAgents();
    return { ...agents, addSession: async () => (await agents.accept()).sessionId };
  });
  describePinRepository(name, async () => {
    const agents = await openAgents();
    const addMessages = async (count: number) => {
      const turn = await agents.accept();
      const answers = Array.from({ length: count - 1 }, (_, at) => {
        return { position: at + 1, message: messageOf(turn, "assistant", "Yes") };
      });
      await agents.save(turn, { messages: answers });
      const messageIds = [turn.messageId, ...answers.map(({ message }) => message.id)];
      return { sessionId: turn.sessionId, messageIds };
    };
    return { ...agents, addMessages };
  });
  describeContextStore(name, async () => {
    const agents = await openAgents();
    const { reader, writer } = agents.store.store;
    const addTurn = async (sessionId?: SessionId, parentTurnId?: TurnId) => {
      const inSession = sessionId === undefined ? {} : { sessionId };
      const turn = await agents.accept({ ...inSession, ...(parentTurnId && { parentTurnId }) });
      await agents.answer(turn);
      return turn;
    };
    return { ...agents, context: createContextStore(reader, writer), addTurn };
  });
  describeBackgroundTasks(name, async () => {
    const store = await openAgents();
    const { reader, writer } = store.store.store;
    const engine = openJobEngine(store.store);
    await engine.open(Object.values(JOB_QUEUES));
    const found: string[] = [];
    return {
      store,
      tasks: createTaskRepository(reader, writer),
      background: createBackgroundTasks(writer),
      reports: async () => {
        const jobs = await engine.fetch(JOB_QUEUES.reportTask, 9);
        found.push(...jobs.map(({ data }) => (data as { readonly taskId: string }).taskId));
        return found.toSorted();
      },
      [Symbol.asyncDispose]: async () => {
        await engine.close();
        await store[Symbol.asyncDispose]();
      },
    };
  });
  describeSpendRepository(name, async () => {
    const agents = await openAgents();
    return {
      ...agents,
      epoch: agents.owner.epoch,
      begin: (about) => agents.accept(about),
      record: (turn, modelCalls, ranMs = 0) => agents.save(turn, { modelCalls, ranMs, nowMs: 2 }),
      end: (turn) => agents.save(turn, { end: { kind: "completed", endedAtMs: 3 } }),
    };
  });
}
