import { parseMessageId, parseSessionId, parseTurnId, type UserId } from "#domain/shared/id.ts";
import {
  describeBrakeRepository,
  describeCompactionRepository,
  describeNoteRepository,
  describePinRepository,
} from "../../contract/agent-repositories.ts";
import { describeApprovalRepository } from "../../contract/approvals.ts";
import { describeAuditLog } from "../../contract/audit.ts";
import { describeSkillRepository } from "../../contract/skills.ts";
import { describeSpendRepository } from "../../contract/spend.ts";
import { describeTaskRepository } from "../../contract/tasks.ts";
import { ALICE, nextId } from "../../support/agent-store.ts";
import {
  createMemoryBrake,
  createMemoryCompactions,
  createMemoryNotes,
  createMemoryPins,
} from "../../support/fakes/memory-agent-repositories.ts";
import { createMemoryApprovals } from "../../support/fakes/memory-approvals.ts";
import { createMemoryAuditLog } from "../../support/fakes/memory-audit-log.ts";
import { createMemorySkills } from "../../support/fakes/memory-skills.ts";
import { MemorySpends } from "../../support/fakes/memory-spends.ts";
import { createMemoryTasks } from "../../support/fakes/memory-tasks.ts";

const nothingToClose = { [Symbol.asyncDispose]: () => Promise.resolve() };

describeApprovalRepository("in memory", async () => ({
  approvals: createMemoryApprovals(),
  ...nothingToClose,
}));
describeSkillRepository("in memory", async () => ({
  skills: createMemorySkills(),
  ...nothingToClose,
}));
describeTaskRepository("in memory", async () => ({
  tasks: createMemoryTasks(),
  ...nothingToClose,
}));
describeAuditLog("in memory", async () => {
  const audit = createMemoryAuditLog();
  return { audit, erase: (userId) => audit.erase(userId), ...nothingToClose };
});
describeBrakeRepository("in memory", async () => {
  const told: [string, string][] = [];
  const brake = createMemoryBrake((...event) => void told.push(event));
  return { brake, audited: async () => told, ...nothingToClose };
});
describeCompactionRepository("in memory", async () => {
  const told: [string, string][] = [];
  const compactions = createMemoryCompactions(
    () => "alice",
    (...event) => void told.push(event),
  );
  const addSession = async () => parseSessionId(nextId());
  return { compactions, addSession, audited: async () => told, ...nothingToClose };
});
describePinRepository("in memory", async () => {
  const known = new Set<string>();
  const pins = createMemoryPins((...ids) => known.has(ids.join(" ")));
  const addMessages = async (count: number) => {
    const sessionId = parseSessionId(nextId());
    const messageIds = Array.from({ length: count }, () => parseMessageId(nextId()));
    for (const id of messageIds) known.add(`${sessionId} ${id}`);
    return { sessionId, messageIds };
  };
  return { pins, addMessages, ...nothingToClose };
});
describeNoteRepository("in memory", async () => ({
  notes: createMemoryNotes(),
  ...nothingToClose,
}));
describeSpendRepository("in memory", async () => {
  const spend = new MemorySpends();
  const owners = new Map<string, UserId>();
  return {
    spend,
    epoch: 1,
    begin: async ({ sessionId = parseSessionId(nextId()), userId = ALICE } = {}) => {
      const turn = {
        turnId: parseTurnId(nextId()),
        sessionId,
        messageId: parseMessageId(nextId()),
      };
      owners.set(turn.turnId, userId);
      return turn;
    },
    record: async ({ turnId, sessionId }, calls, ranMs = 0) => {
      for (const call of calls) spend.put(call);
      const userId = owners.get(turnId) ?? ALICE;
      spend.addTime({ turnId, sessionId, userId, day: "1970-01-01", ranMs });
    },
    end: async () => undefined,
    ...nothingToClose,
  };
});
