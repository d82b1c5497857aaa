import { writeFile } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { test } from "vitest";
import { openStore } from "#infrastructure/store/open-store.ts";
import { fillStore } from "../../support/fill-store.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

test("audit, backup and restore work beside a running server and without one", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const env = { NEXFLOW_HOME: dir.path };
  const run = (...args: readonly string[]) => runCommand(args, { env });
  const file = path.join(dir.path, "backup.gz");

  await using server = await startNexflow({ homeDir: dir.path });
  const listed = await run("audit", "list", "--json");
  expect(JSON.parse(listed.stdout)).toMatchObject({
    entries: [
      { seq: 2, action: "server.started", actor: "system", decision: "allowed" },
      { seq: 1, action: "token.created", actor: "system", decision: "allowed" },
    ],
  });
  expect(await run("backup", file)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/backup\.gz: whole, \d+ rows in \d+ tables/u) as string,
  });
  const again = await run("backup", file, "--json");
  expect(again).toMatchObject({ code: 1 });
  expect(JSON.parse(again.stdout)).toMatchObject({ ok: false, error: { code: "BACKUP_FAILED" } });
  expect(await run("backup", "--verify", file)).toMatchObject({ code: 0 });
  expect(await run("restore", "--force", file)).toMatchObject({
    code: 78,
    stderr: expect.stringContaining("another Nexflow serves it") as string,
  });

  expect(await server.stop()).toBe(0);
  expect(await run("restore", file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("use --force to put it aside") as string,
  });
  const restored = await run("restore", "--force", "--json", file);
  expect(JSON.parse(restored.stdout)).toMatchObject({ store: "sqlite", migrated: [] });
  const text = await run("audit", "list");
  expect(text.stdout).toMatch(/3 .*system .*store\.restored .*\n2 .*server\.started/u);
  expect(await run("audit", "verify")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Intact: 3 entries, head 3:[0-9a-f]{64}\n$/u) as string,
  });
});

test("audit verify tells what was done to a log, in the database and in a file", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const run = (...args: readonly string[]) => runCommand(args, { env: { NEXFLOW_HOME: dir.path } });
  expect(await run("audit", "list")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no database yet") as string,
  });
  await fillLog(dir.path);
  const exported = await run("audit", "export");
  expect(exported.stderr).toMatch(/^6 entries, head 6:[0-9a-f]{64}\n$/u);
  const head = exported.stderr.trim().split(" ").at(-1) ?? "";
  const file = path.join(dir.path, "audit.jsonl");
  await writeFile(file, exported.stdout);
  const offline = (...args: readonly string[]) =>
    runCommand(["audit", "verify", ...args], { env: { NEXFLOW_HOME: "/nowhere" } });
  expect(await offline(file, "--head", head)).toMatchObject({ code: 0 });
  const part = await run("audit", "export", "--after", "2", "--json");
  expect(part.stdout.trim().split("\n")).toHaveLength(4);
  expect(JSON.parse(part.stderr)).toMatchObject({ entries: 4, head: { seq: 6 } });

  const lines = exported.stdout.trim().split("\n");
  await writeFile(file, `${lines.slice(0, 5).join("\n")}\n`);
  expect(await offline(file)).toMatchObject({ code: 0 });
  const cut = await offline(file, "--head", head, "--json");
  expect(cut.code).toBe(1);
  expect(JSON.parse(cut.stdout)).toEqual({ ok: false, kind: "broken", seq: 6, flaw: "end" });
  expect(await offline(file, "--head", "4")).toMatchObject({ code: 2 });

  change(dir.path, "UPDATE audit_entry SET decision = 'denied' WHERE seq = 2");
  expect(await run("audit", "verify")).toMatchObject({
    code: 1,
    stdout: "Broken at entry 2: it is not what was hashed\n",
  });
  change(dir.path, "UPDATE audit_entry SET decision = 'allowed' WHERE seq = 2");
  expect(await run("audit", "verify")).toMatchObject({ code: 0 });
  change(dir.path, "DELETE FROM audit_entry WHERE seq = 6");
  expect(await run("audit", "verify")).toMatchObject({
    code: 1,
    stdout: "Broken at entry 6: it is missing: the log ends before the head that is known\n",
  });
});

async function fillLog(homeDir: string): Promise<void> {
  await using store = await openStore(homeDir);
  await fillStore(store.writer);
  const event = {
    atMs: 2,
    actor: "alice",
    action: "a",
    subject: "s",
    decision: "allowed",
  } as const;
  const events = [1, 2, 3].map((number) => ({ ...event, detail: { number } }));
  await store.writer.call("appendAudit", events);
}

function change(homeDir: string, statement: string): void {
  const database = new Database(path.join(homeDir, "nexflow.db"));
  database.exec(statement);
  database.close();
}

test("migrate, backup and restore work on Postgres, and move a store there", async ({ expect }) => {
  await using dir = await openTempDir();
  await using database = await openTestDatabase();
  const local = { NEXFLOW_HOME: dir.path };
  const shared = { ...local, NEXFLOW_DATABASE_URL: database.url };
  const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    runCommand(args, { env });
  const file = path.join(dir.path, "move.gz");
  await fillLog(dir.path);
  expect(await run(local, "backup", file)).toMatchObject({ code: 0 });
  const status = await run(shared, "migrate", "--status", "--json");
  expect(JSON.parse(status.stdout)).toMatchObject({ applied: [] });
  expect(await run(shared, "restore", file)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Restored \d+ rows of .* into postgres\n$/u) as string,
  });
  const after = await run(shared, "migrate", "--status", "--json");
  expect(JSON.parse(after.stdout)).toMatchObject({ pending: [] });
  expect(await run(shared, "audit", "verify")).toMatchObject({ code: 0 });
  expect(await run(shared, "restore", file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("use --force to delete it") as string,
  });
});
