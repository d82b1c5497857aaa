import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { runCommand } from "../integration/cmd/run-command.ts";
import { policyText } from "../support/policies.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const LOOPS = fileURLToPath(new URL("../fixtures/hostile-skills/loops", import.meta.url));

const LATEST = { timeout: 30_000 };

test("a scheduled call that a kill cut off is not made again", async ({ expect }) => {
  await using dir = await openTempDir();
  const homeDir = path.join(dir.path, "home");
  const skillsDir = path.join(dir.path, "skills");
  await plantSkill(path.join(skillsDir, "loops"));
  const policyDir = path.join(dir.path, "policies");
  await plantPolicy(policyDir);
  const env = { NEXFLOW_SKILLS_DIR: skillsDir, NEXFLOW_POLICY_DIR: policyDir };
  await using killed = await startNexflow({ homeDir, env });
  const client = { NEXFLOW_HOME: homeDir, NEXFLOW_PORT: String(killed.port), ...env };
  const schedule = (...args: string[]) =>
    runCommand(["schedule", ...args, "--json"], { env: client });
  const added = await schedule("add", "--every", "1h", "--skill", "loops", "--tool", "run");
  const { id } = (JSON.parse(added.stdout) as { schedule: { id: string } }).schedule;
  await schedule("run", id);

  const query = (text: string): unknown[] => {
    const database = new Database(databaseFile(homeDir), { readonly: true });
    try {
      return database.prepare(text).all();
    } finally {
      database.close();
    }
  };
  const firings = "SELECT state, attempt, failure_code FROM schedule_firing";
  const begun = [{ state: "running", attempt: 1, failure_code: null }];
  await expect.poll(() => query(firings), LATEST).toEqual(begun);
  expect(query("SELECT state FROM task")).toEqual([{ state: "running" }]);
  await killed.kill();

  await using server = await startNexflow({ homeDir, env });
  const cutOff = [{ state: "failed", attempt: 1, failure_code: "INTERRUPTED" }];
  await expect.poll(() => query(firings), LATEST).toEqual(cutOff);
  expect(query("SELECT state, failure_code FROM task")).toEqual([
    { state: "failed", failure_code: "INTERRUPTED" },
  ]);
  expect(await server.stop()).toBe(0);
});

/** A skill that takes until it is killed, and says that it changes something. */
async function plantSkill(folder: string): Promise<void> {
  await cp(LOOPS, folder, { recursive: true });
  const file = path.join(folder, "nexflow.json");
  const manifest = await readFile(file, "utf8");
  await writeFile(file, manifest.replace('"read"', '"external"'));
}

/** Lets calls be made unasked and run for longer than the test does: it is the kill that ends one. */
async function plantPolicy(folder: string): Promise<void> {
  await mkdir(folder);
  const limits = { wallMs: 60_000, cpuMs: 60_000, queueMs: 60_000 };
  const more = "approvals: { external: allow }";
  await writeFile(path.join(folder, "p.yaml"), policyText({ ...limits, more }));
}
