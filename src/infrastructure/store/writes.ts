import {
  addCompaction,
  addNote,
  engageBrake,
  pinMessage,
  releaseBrake,
  removeNote,
  undoCompaction,
  unpinMessage,
} from "./scripts/agent-scripts.ts";
import { addApproval, resolveApproval, saveApproval } from "./scripts/approval-scripts.ts";
import { appendAudit, eraseAudit } from "./scripts/audit-scripts.ts";
import { endBackground, interruptTasksOf } from "./scripts/background-scripts.ts";
import { useBranch } from "./scripts/branch-scripts.ts";
import { recordCalls } from "./scripts/call-record-scripts.ts";
import {
  addCredential,
  removeByHash,
  removeToken,
  replaceToken,
  touchCredentials,
} from "./scripts/credential-scripts.ts";
import { deleteOldFirings, deleteOldSpend, trimEvents } from "./scripts/housekeeping-scripts.ts";
import { beginKey, finishKey, releaseKey } from "./scripts/idempotency-scripts.ts";
import {
  addInstalledSkill,
  removeInstalledSkill,
  saveInstalledSkill,
} from "./scripts/installed-skill-scripts.ts";
import { joinInstance, leaveInstance, renewInstance } from "./scripts/instance-scripts.ts";
import {
  completeJobs,
  failJob,
  insertJobs,
  leaseJobs,
  touchJobs,
  voidLeases,
} from "./scripts/job-scripts.ts";
import { pinMcpTools } from "./scripts/mcp-pin-scripts.ts";
import {
  addSchedule,
  beginCall,
  changeSchedule,
  endFiring,
  fireDue,
  fireNow,
  removeSchedule,
  withdrawCall,
} from "./scripts/schedule-scripts.ts";
import { deleteSession, setSessionModel } from "./scripts/session-scripts.ts";
import { deleteSkillValue, setSkillValue } from "./scripts/skill-value-scripts.ts";
import { reserveModelCall } from "./scripts/spend-scripts.ts";
import { addTask, saveTask } from "./scripts/task-scripts.ts";
import { saveTranscript } from "./scripts/transcript-scripts.ts";
import { accept, cancelTurn, claim, importTurn, recover, save } from "./scripts/turn-scripts.ts";
import { addUser, changeUser, removeUser } from "./scripts/user-scripts.ts";

/** Every write there is, by name. Each is to be run inside a transaction of its own. */
export const writes = {
  accept,
  claim,
  save,
  recover,
  cancelTurn,
  importTurn,
  saveTranscript,
  pinMcpTools,
  reserveModelCall,
  setSessionModel,
  useBranch,
  joinInstance,
  renewInstance,
  leaveInstance,
  deleteSession,
  addUser,
  changeUser,
  removeUser,
  addCredential,
  removeByHash,
  removeToken,
  replaceToken,
  touchCredentials,
  beginKey,
  finishKey,
  releaseKey,
  setSkillValue,
  deleteSkillValue,
  recordCalls,
  addTask,
  saveTask,
  endBackground,
  interruptTasksOf,
  addInstalledSkill,
  saveInstalledSkill,
  removeInstalledSkill,
  addApproval,
  saveApproval,
  resolveApproval,
  engageBrake,
  releaseBrake,
  addCompaction,
  undoCompaction,
  pinMessage,
  unpinMessage,
  addNote,
  removeNote,
  appendAudit,
  eraseAudit,
  addSchedule,
  changeSchedule,
  removeSchedule,
  fireDue,
  fireNow,
  beginCall,
  withdrawCall,
  endFiring,
  insertJobs,
  voidLeases,
  leaseJobs,
  touchJobs,
  completeJobs,
  failJob,
  trimEvents,
  deleteOldFirings,
  deleteOldSpend,
};

export type Writes = typeof writes;
