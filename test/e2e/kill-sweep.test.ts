import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { FAILPOINTS } from "#infrastructure/failpoints/failpoints.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { writes } from "#infrastructure/store/writes.ts";
import { findFreePort } from "../support/free-port.ts";
import { type KillSweepReport, sweepKills } from "../support/kill-sweep.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { report } from "../support/report.ts";
import { startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";
import { isSweepFull } from "../support/test-environment.ts";

const ENV = {
  NEXFLOW_AGENT_THREADS: "1",
  NEXFLOW_SANDBOX_PROCESSES: "1",
  NEXFLOW_SKILLS_DIR: fileURLToPath(new URL("../fixtures/keeping-skills", import.meta.url)),
};
/** On a machine that does nothing else. */
const MAX_READY_MS = 2_000;
/** On any other: compared with a first start, which has nothing to recover. */
const MAX_READY_RATIO = 3;

/** Where the first passing is not the one of interest: the last that is let through, and one more. */
const LATER: Readonly<Record<string, readonly number[]>> = {
  accept: [4],
  save: [4, 5],
  claim: [2],
  "accept:answer": [3],
  "accept:answered": [4],
  "turn:hand-over": [5],
  "turn:begin": [3],
  "turn:show": [6],
  "turn:show-end": [3],
  "turn:settle": [4],
};

const AT_STOP = ["leaveInstance"];

/** What the load does not come by, and why. */
const NOT_REACHED = {
  touchCredentials: "runs once a minute",
  releaseKey: "takes a request that fails",
  ...unused("addTask", "saveTask", "eraseAudit", "addApproval", "saveApproval"),
  ...takes("a question to people", "resolveApproval"),
  ...takes("a skill that is not there yet", "withdrawCall"),
  ...takes("a budget", "reserveModelCall"),
  ...takes("a call of many seconds", "endBackground", "interruptTasksOf"),
  ...takes("somebody who stops all agents", "engageBrake", "releaseBrake"),
  ...takes("a conversation of many tokens", "addCompaction", "undoCompaction"),
  ...takes("a person who keeps house", "pinMessage", "unpinMessage", "addNote", "removeNote"),
  ...takes("a person who tries another way", "setSessionModel", "useBranch"),
  ...takes("a client of another API", "importTurn"),
  ...unused("addInstalledSkill", "saveInstalledSkill", "removeInstalledSkill"),
  importTurn: "takes a client of OpenAI's API",
  pinMcpTools: "takes an MCP server",
  saveTranscript: "takes a client of OpenAI's API",
  trimEvents: "runs once an hour",
  deleteOldFirings: "runs once an hour",
  deleteOldSpend: "runs once an hour",
  touchJobs: "takes a job that lasts",
  failJob: "takes a job that fails",
};
/** Only a server with others beside it passes these. */
const SHARED_ONLY = ["renewInstance", "bus:publish"];
/** On Postgres jobs are pg-boss's own. */
const SQLITE_ONLY = ["insertJobs", "voidLeases", "leaseJobs", "completeJobs"];

/** Rare writes, all of one kind to Postgres: on SQLite they are swept every time. */
const RARE = [
  "addUser",
  "changeUser",
  "removeUser",
  "addCredential",
  "removeByHash",
  "removeToken",
  "replaceToken",
  "setSkillValue",
  "deleteSkillValue",
  "addSchedule",
  "changeSchedule",
  "removeSchedule",
  "fireNow",
  "appendAudit",
  "addCompaction",
  "undoCompaction",
  "pinMessage",
  "unpinMessage",
  "addNote",
  "removeNote",
];

/** One death: a start, the recovery from the death before, and load up to the point. */
const DEATH_MOST_MS = 16_000;
const ON_SQLITE = pointsWithout(SHARED_ONLY);
const ON_POSTGRES = pointsWithout([...SQLITE_ONLY, ...(isSweepFull ? [] : RARE)]);

test(
  "a kill at any failpoint loses and doubles nothing on SQLite",
  async ({ expect }) => {
    await using dir = await openTempDir();
    const port = await findFreePort();
    const firstMs = await measureFirstStart();
    const found = await sweepKills({
      ...ON_SQLITE,
      url: `http://127.0.0.1:${port}`,
      token: TEST_TOKEN,
      store: { file: databaseFile(dir.path) },
      start: (env) => startNexflow({ homeDir: dir.path, port, env: { ...ENV, ...env } }),
    });
    const medianMs = readyMedianOf(found);
    report(`Kills on SQLite: ready again after ${medianMs} ms (median)`, found.rows);
    expect(found.faults).toEqual([]);
    expect(notReachedIn(found)).toEqual([]);
    expect(medianMs).toBeLessThan(Math.max(MAX_READY_MS, MAX_READY_RATIO * firstMs));
  },
  sweepMostMs(ON_SQLITE),
);

test(
  "a kill of one of two instances at any failpoint loses and doubles nothing on Postgres",
  async ({ expect }) => {
    await using database = await openTestDatabase();
    const env = { ...ENV, NEXFLOW_LEASE_MS: "1000" };
    const options = { instances: 2, databaseUrl: database.url, env };
    await using cluster = await NexflowCluster.start(options);
    const other = cluster.member(1).port;
    await cluster.member(0).kill();
    const found = await sweepKills({
      ...ON_POSTGRES,
      url: cluster.url,
      token: TEST_TOKEN,
      store: { url: database.url },
      // While it lives all clients are on it; when it dies, the other takes its turns over.
      start: async (faults) => {
        cluster.balancer.putBack(other);
        const server = await cluster.startMember(0, faults);
        cluster.balancer.takeOut(other);
        return server;
      },
    });
    report(`Kills on Postgres: ready again after ${readyMedianOf(found)} ms (median)`, found.rows);
    expect(found.faults).toEqual([]);
    expect(notReachedIn(found)).toEqual([]);
  },
  sweepMostMs(ON_POSTGRES),
);

async function measureFirstStart(): Promise<number> {
  const startedAtMs = performance.now();
  await using server = await startNexflow({ env: ENV });
  await server.stop();
  return performance.now() - startedAtMs;
}

function unused(...scripts: string[]): Record<string, string> {
  return Object.fromEntries(scripts.map((script) => [script, "no part of a server runs it yet"]));
}

function takes(what: string, ...scripts: string[]): Record<string, string> {
  return Object.fromEntries(scripts.map((script) => [script, `takes ${what}`]));
}

function sweepMostMs({ points, atStop }: ReturnType<typeof pointsWithout>): number {
  return 120_000 + (points.length + atStop.length) * DEATH_MOST_MS;
}

/** Every failpoint there is, but around these scripts or of these names. */
function pointsWithout(left: readonly string[]) {
  const isSwept = (name: string) => !(name in NOT_REACHED) && !left.includes(name);
  const named = Object.keys(FAILPOINTS).filter(isSwept);
  const scripts = Object.keys(writes).filter(isSwept);
  const aroundCommits = (script: string) => [
    ...at(`before-commit:${script}`, script),
    ...at(`after-commit:${script}`, script),
  ];
  return {
    points: [
      ...named.flatMap((name) => at(name, name)),
      ...scripts.filter((script) => !AT_STOP.includes(script)).flatMap(aroundCommits),
    ],
    atStop: AT_STOP.flatMap(aroundCommits),
  };
}

function at(point: string, name: string): string[] {
  return (LATER[name] ?? [1]).map((passing) => `${point}@${passing}`);
}

function notReachedIn({ rows }: KillSweepReport): string[] {
  return rows.filter(({ death }) => death === "not reached").map(({ point }) => point);
}

function readyMedianOf({ rows }: KillSweepReport): number {
  const sorted = rows.flatMap(({ readyAgainMs }) => (readyAgainMs === "" ? [] : readyAgainMs));
  return sorted.toSorted((a, b) => a - b)[Math.floor(sorted.length / 2)] ?? 0;
}
