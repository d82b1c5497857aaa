import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import type { Logger } from "#application/ports/logger.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { AgentPool } from "#infrastructure/workers/agent-pool.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** A pool of two threads that run `test/fixtures/agent-threads/agent.ts`. */
async function openPool({ isBroken = false } = {}) {
  const dir = await openTempDir();
  const databaseFile = path.join(dir.path, "database");
  if (!isBroken) await writeFile(databaseFile, "");
  const pool = new AgentPool({
    file: new URL("../../fixtures/agent-threads/agent.ts", import.meta.url),
    threads: 2,
    data: {
      databaseFile,
      policyDir: "",
      skillsDir: undefined,
      promptSkillDirs: [],
      policyLabel: undefined,
      allowMissingLayers: [],
      maxCallRecords: 100,
      skillSecrets: {},
      sandboxProcesses: 1,
      models: { homeDir: "", model: undefined, modelKeys: {}, modelUrls: {} },
      maxSteps: 1,
      contextTokens: 1,
      backgroundAfterMs: 0,
      turnTimeoutMs: 1,
      logLevel: "silent",
      tracing: undefined,
      secrets: [],
    },
    log: silent,
  });
  const shown: string[] = [];
  const ended: string[] = [];
  const lost: string[] = [];
  pool.listen({
    attachStore: () => {},
    onShown: ({ sessionId, epoch, frames }) => {
      shown.push(...frames.map(({ frame }) => `${sessionId}@${epoch} ${frame}`));
    },
    onEnded: (sessionId) => ended.push(sessionId),
    onCallsLost: (turnId) => lost.push(turnId),
  });
  if (!isBroken) await pool.ready();
  const run = (name: string, text: string, epoch = 1) =>
    pool.run({
      turnId: parseTurnId(`t-${name}`),
      sessionId: parseSessionId(name),
      userId: parseUserId("ada"),
      messageId: parseMessageId("m1"),
      text,
      acceptedAtMs: 0,
      attempt: 1,
      headSeq: 0,
      epoch,
      isCancelled: false,
    });
  return {
    pool,
    run,
    shown,
    ended,
    lost,
    removeDatabase: () => rm(databaseFile),
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe("AgentPool", () => {
  test("run() is fulfilled after all that the turn showed was passed on", async ({ expect }) => {
    await using opened = await openPool();
    expect(await opened.run("a", "hello")).toEqual({ kind: "ended", headSeq: 1 });
    expect([opened.shown, opened.ended]).toEqual([["a@1 hello"], ["a"]]);
    expect(await opened.run("b", "fenced")).toEqual({ kind: "fenced" });
    expect(opened.ended).toEqual(["a"]);
  });

  // A thread that is stopped while it requires an ES module takes the whole process along.
  test("threads import their program", async ({ expect }) => {
    await using opened = await openPool();
    await opened.run("a", "how loaded");
    expect(opened.shown).toEqual(["a@1 by import"]);
  });

  test.for(["throw", "exit"])(
    "a thread that dies (%s) rejects its run, another takes its place, others go on",
    async (way, { expect }) => {
      await using opened = await openPool();
      const dead = opened.run("dead", way);
      // The other thread has a run of its own all the while.
      const other = opened.run("other", "wait").catch(() => "closed");
      await expect(dead).rejects.toThrow();
      const again = await opened.run("dead", "hello", 2);
      expect(again).toEqual({ kind: "ended", headSeq: 1 });
      expect(opened.shown).toContain("dead@2 hello");
      expect(opened.ended).toEqual(["dead"]);
      await opened.pool[Symbol.asyncDispose]();
      expect(await other).toBe("closed");
    },
  );

  test("says of which turns that had ended a dead thread made calls", async ({ expect }) => {
    await using opened = await openPool();
    const leaves = await Promise.all([opened.run("a", "leaves"), opened.run("b", "leaves")]);
    expect(leaves.map(({ kind }) => kind)).toEqual(["ended", "ended"]);
    await opened.run("dies", "leaves and exits");
    await expect.poll(() => opened.lost).toContain("t-dies");
    // Of the others it made those that were in its own thread, and none is lost by a stop.
    const lost = [...opened.lost];
    expect(lost).toHaveLength(2);
    await opened.pool[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened.lost).toEqual(lost);
  });

  test("listSkills() asks a thread once for all who ask at a time, and anew later", async ({
    expect,
  }) => {
    await using opened = await openPool();
    // Each answer that a thread gives is an object of its own here.
    const ask = async () => {
      const asked = Array.from({ length: 50 }, () => opened.pool.listSkills());
      return new Set(await Promise.all(asked));
    };
    const [first, later] = [await ask(), await ask()];
    expect([first.size, later.size]).toEqual([1, 1]);
    expect([...first][0]).toEqual({ skills: [], promptSkills: [] });
    expect([...first][0]).not.toBe([...later][0]);
  });

  test("ready() rejects where the threads died before it was called", async ({ expect }) => {
    await using opened = await openPool({ isBroken: true });
    await opened.pool.lost;
    await expect(opened.pool.ready()).rejects.toThrow("Cannot start: the database is gone");
  });

  test("`lost` says when a dead thread cannot be replaced", async ({ expect }) => {
    await using opened = await openPool();
    await opened.removeDatabase();
    await expect(opened.run("dead", "throw")).rejects.toThrow();
    expect((await opened.pool.lost).message).toBe("Only 1 of 2 agent threads can be started");
  });
});
