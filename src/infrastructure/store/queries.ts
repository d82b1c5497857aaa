import { callRecordQueries } from "./queries/call-record-queries.ts";
import { instanceQueries } from "./queries/instance-queries.ts";
import { sessionQueries } from "./queries/session-queries.ts";
import { skillValueQueries } from "./queries/skill-value-queries.ts";
import { turnQueries } from "./queries/turn-queries.ts";
import { userQueries } from "./queries/user-queries.ts";

/** Every statement of the store, compiled once. Arguments are named as the columns, in camel case. */
export const queries = {
  ...userQueries,
  ...sessionQueries,
  ...instanceQueries,
  ...turnQueries,
  ...skillValueQueries,
  ...callRecordQueries,
};
