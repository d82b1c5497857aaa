import { agentQueries } from "./queries/agent-queries.ts";
import { approvalQueries } from "./queries/approval-queries.ts";
import { auditQueries } from "./queries/audit-queries.ts";
import { backgroundQueries } from "./queries/background-queries.ts";
import { callRecordQueries } from "./queries/call-record-queries.ts";
import { credentialQueries } from "./queries/credential-queries.ts";
import { housekeepingQueries } from "./queries/housekeeping-queries.ts";
import { idempotencyQueries } from "./queries/idempotency-queries.ts";
import { installedSkillQueries } from "./queries/installed-skill-queries.ts";
import { instanceQueries } from "./queries/instance-queries.ts";
import { jobQueries } from "./queries/job-queries.ts";
import { mcpPinQueries } from "./queries/mcp-pin-queries.ts";
import { restoreQueries } from "./queries/restore-queries.ts";
import { scheduleQueries } from "./queries/schedule-queries.ts";
import { sessionQueries } from "./queries/session-queries.ts";
import { skillValueQueries } from "./queries/skill-value-queries.ts";
import { spendQueries } from "./queries/spend-queries.ts";
import { taskQueries } from "./queries/task-queries.ts";
import { transcriptQueries } from "./queries/transcript-queries.ts";
import { turnQueries } from "./queries/turn-queries.ts";
import { userQueries } from "./queries/user-queries.ts";

/** Every statement of the store, compiled once. Arguments are named as the columns, in camel case. */
export const queries = {
  ...userQueries,
  ...credentialQueries,
  ...idempotencyQueries,
  ...sessionQueries,
  ...instanceQueries,
  ...turnQueries,
  ...skillValueQueries,
  ...callRecordQueries,
  ...taskQueries,
  ...backgroundQueries,
  ...installedSkillQueries,
  ...approvalQueries,
  ...spendQueries,
  ...agentQueries,
  ...transcriptQueries,
  ...mcpPinQueries,
  ...auditQueries,
  ...restoreQueries,
  ...scheduleQueries,
  ...jobQueries,
  ...housekeepingQueries,
};
