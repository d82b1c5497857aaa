import { findApproval, listGrants, listPendingApprovals } from "./scripts/approval-scripts.ts";
import { findAuditHead, listAudit, readAudit } from "./scripts/audit-scripts.ts";
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
import { findTask, listTasks } from "./scripts/task-scripts.ts";
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
  findSkillValue,
  listSkillKeys,
  listCalls,
  listRunning,
  findTask,
  listTasks,
  findInstalledSkill,
  listInstalledSkills,
  findApproval,
  listPendingApprovals,
  listGrants,
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
