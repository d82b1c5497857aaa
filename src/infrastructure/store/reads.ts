import {
  findBrake,
  findCompaction,
  listCompactions,
  listNotes,
  listPins,
  readContext,
} from "./scripts/agent-scripts.ts";
import {
  countPendingApprovals,
  findApproval,
  listApprovals,
  listApprovalsOfTurn,
  listGrants,
  listPendingApprovals,
} from "./scripts/approval-scripts.ts";
import { findAuditHead, listAudit, readAudit } from "./scripts/audit-scripts.ts";
import { findParent, listBranches } from "./scripts/branch-scripts.ts";
import {
  findPrincipal,
  hasToken,
  listCredentials,
  listPrincipals,
} from "./scripts/credential-scripts.ts";
import { findInstalledSkill, listInstalledSkills } from "./scripts/installed-skill-scripts.ts";
import { listRunning } from "./scripts/instance-scripts.ts";
import { hasJobs, listDeadJobs } from "./scripts/job-scripts.ts";
import { listCalls } from "./scripts/list-calls.ts";
import { listMcpPins } from "./scripts/mcp-pin-scripts.ts";
import {
  countSchedules,
  findFiring,
  findNextScheduleTime,
  findSchedule,
  listFirings,
  listSchedules,
} from "./scripts/schedule-scripts.ts";
import {
  findSession,
  findTurn,
  listHeads,
  listHistory,
  listMessages,
  listSessions,
  listTurnMessages,
  listTurns,
  listTurnsOfSession,
  readConversation,
  readEvents,
} from "./scripts/session-scripts.ts";
import { findSkillValue, listSkillKeys } from "./scripts/skill-value-scripts.ts";
import { listModelCalls, readSpend } from "./scripts/spend-scripts.ts";
import { findTask, listTasks, listTasksOfTurn } from "./scripts/task-scripts.ts";
import { findTranscript } from "./scripts/transcript-scripts.ts";
import { readControls } from "./scripts/turn-scripts.ts";
import { findUser, listUsers } from "./scripts/user-scripts.ts";

/** Every read there is, by name. */
export const reads = {
  findUser,
  listUsers,
  findPrincipal,
  listPrincipals,
  listCredentials,
  hasToken,
  findSession,
  listSessions,
  listMessages,
  listHistory,
  findTurn,
  listTurns,
  listTurnsOfSession,
  listTurnMessages,
  listHeads,
  readConversation,
  readEvents,
  findParent,
  listBranches,
  readControls,
  readSpend,
  listModelCalls,
  findBrake,
  findCompaction,
  listCompactions,
  readContext,
  listPins,
  listNotes,
  findTranscript,
  listMcpPins,
  findSkillValue,
  listSkillKeys,
  listCalls,
  listRunning,
  findTask,
  listTasks,
  listTasksOfTurn,
  findInstalledSkill,
  listInstalledSkills,
  findApproval,
  listPendingApprovals,
  countPendingApprovals,
  listGrants,
  listApprovalsOfTurn,
  listApprovals,
  findAuditHead,
  readAudit,
  listAudit,
  findSchedule,
  listSchedules,
  countSchedules,
  findNextScheduleTime,
  findFiring,
  listFirings,
  hasJobs,
  listDeadJobs,
};

export type Reads = typeof reads;
