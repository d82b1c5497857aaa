import Database from "better-sqlite3";
import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { createRandom } from "../support/seeded-random.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const SCHEDULES = 300;
const KILLS = 5;
const BEGIN_MS = 1_500;
const SPREAD_MS = 8_000;

test(`each of ${SCHEDULES} schedules fires once over ${KILLS} kills`, async ({ expect }) => {
  await using dir = await openTempDir();
  const start = () => startNexflow({ homeDir: dir.path, env: { NEXFLOW_SANDBOX_PROCESSES: "1" } });
  let server = await start();
  plantSchedules(databaseFile(dir.path));
  const random = createRandom(20_261_126);
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 600 + random() * 1_200));
    await server.kill();
    server = await start();
  }
  await untilNone(databaseFile(dir.path), UNFINISHED);
  expect(await server.stop()).toBe(0);

  const database = new Database(databaseFile(dir.path), { readonly: true });
  try {
    const states = database.prepare("SELECT DISTINCT state FROM schedule").pluck().all();
    expect(states).toEqual(["ended"]);
    const firings = database
      .prepare<[], FiringRow>("SELECT schedule_id, state, turn_id, task_id FROM schedule_firing")
      .all();
    expect(firings).toHaveLength(SCHEDULES);
    expect(new Set(firings.map(({ state }) => state))).toEqual(new Set(["done"]));
    const messages = firings.filter(({ schedule_id: id }) => id.startsWith("say"));
    const calls = firings.filter(({ schedule_id: id }) => id.startsWith("call"));
    // A turn for each message, and no other; each has one answer.
    const turns = database.prepare("SELECT turn_id FROM turn ORDER BY turn_id").pluck().all();
    expect(new Set(messages.map(({ turn_id: id }) => id))).toEqual(new Set(turns));
    expect(turns).toHaveLength(messages.length);
    const answers = database
      .prepare("SELECT turn_id FROM message WHERE role = 'assistant' ORDER BY turn_id")
      .pluck()
      .all();
    expect(answers).toEqual(turns);
    // A task for each call, and no other.
    const tasks = database
      .prepare("SELECT task_id FROM task WHERE state = 'completed'")
      .pluck()
      .all();
    expect(new Set(calls.map(({ task_id: id }) => id))).toEqual(new Set(tasks));
    expect(tasks).toHaveLength(calls.length);
    expect(database.prepare("SELECT count(*) FROM task").pluck().get()).toBe(tasks.length);
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  } finally {
    database.close();
  }
});

interface FiringRow {
  readonly schedule_id: string;
  readonly state: string;
  readonly turn_id: string | null;
  readonly task_id: string | null;
}

const UNFINISHED = `
  SELECT (SELECT count(*) FROM schedule WHERE state = 'active')
    + (SELECT count(*) FROM schedule_firing WHERE state IN ('waiting', 'running'))
    + (SELECT count(*) FROM turn WHERE state IN ('queued', 'running'))`;

/** Two thirds say something, each in a session of its own, the others call a skill that reads. */
function plantSchedules(file: string): void {
  const database = new Database(file, { timeout: 5_000 });
  const insert = database.prepare(`
    INSERT INTO schedule (schedule_id, user_id, name, when_json, missed, action_json, state,
      next_at_ms, created_at_ms)
    VALUES (:id, 'admin', :id, :when, 'once', :action, 'active', :atMs, 0)`);
  const nowMs = Date.now();
  database.transaction(() => {
    for (let at = 0; at < SCHEDULES; at++) {
      const atMs = Math.round(nowMs + BEGIN_MS + (at * SPREAD_MS) / SCHEDULES);
      const isCall = at % 3 === 0;
      const action = isCall
        ? { kind: "tool-call", skill: "calculator", tool: "evaluate", input: { expression: "1+1" } }
        : { kind: "message", text: "hello" };
      insert.run({
        id: `${isCall ? "call" : "say"}-${at}`,
        when: JSON.stringify({ kind: "at", atMs }),
        action: JSON.stringify(action),
        atMs,
      });
    }
  })();
  database.close();
}

async function untilNone(file: string, count: string): Promise<void> {
  const database = new Database(file, { readonly: true });
  try {
    while (database.prepare(count).pluck().get() !== 0) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    database.close();
  }
}
