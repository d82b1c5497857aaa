import { describeApprovalRepository } from "../../contract/approvals.ts";
import { describeAuditLog } from "../../contract/audit.ts";
import { describeSkillRepository } from "../../contract/skills.ts";
import { describeTaskRepository } from "../../contract/tasks.ts";
import { createMemoryApprovals } from "../../support/fakes/memory-approvals.ts";
import { createMemoryAuditLog } from "../../support/fakes/memory-audit-log.ts";
import { createMemorySkills } from "../../support/fakes/memory-skills.ts";
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
