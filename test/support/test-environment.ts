/** What those who run the tests may set, and nothing else of the environment. */
const {
  NEXFLOW_TEST_DATABASE_URL,
  NEXFLOW_TEST_KILLS,
  NEXFLOW_TEST_REDIS_URL,
  NEXFLOW_TEST_SWEEP,
} = process.env;

/** A Postgres server that is there already; left out, the tests start one of their own. */
export const testDatabaseUrl = NEXFLOW_TEST_DATABASE_URL || undefined;

/** How many kills at random moments are tried, where it shall be more or less than usual. */
export const testKills = NEXFLOW_TEST_KILLS ? Number(NEXFLOW_TEST_KILLS) : undefined;

/** "full": the sweep of kills on Postgres leaves out nothing. */
export const isSweepFull = NEXFLOW_TEST_SWEEP === "full";

/** Where a Redis or Valkey may be; the tests that want one are left out where it does not answer. */
export const testRedisUrl = NEXFLOW_TEST_REDIS_URL || "redis://127.0.0.1:6379";

/** The environment for programs that tests start: nothing in it is meant for Nexflow or Vitest. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(NEXFLOW|VITE|NODE_)/u.test(name));
  return Object.fromEntries(own);
}
