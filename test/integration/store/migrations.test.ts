import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import pg from "pg";
import { describe, test } from "vitest";
import { migrateSqlite } from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";
import { loadMigrations } from "#infrastructure/store/migration-plan.ts";
import { MIGRATION_NAMES } from "#infrastructure/store/migrations.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import { OLD_STORES, type OldStore } from "../../support/old-store.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const DIE_MIGRATING = fileURLToPath(new URL("../../support/die-migrating.ts", import.meta.url));
/** Of all that are made after the first one. */
const STATEMENTS = await countStatements(MIGRATION_NAMES.slice(1));
/** One death: a process that starts, a migration up to there, and a look at the tables. */
const DEATH_MOST_MS = 4_000;
const EARLIER = MIGRATION_NAMES.map((_, index) => ({
  only: MIGRATION_NAMES.slice(0, index),
  newest: MIGRATION_NAMES[index - 1] ?? "nothing",
}));

describe.for(OLD_STORES)("migrations on %s", ([, open]) => {
  test.for(EARLIER)(
    "bring a database of $newest to the newest schema, and keep what is in it",
    async ({ only }, { expect }) => {
      await using fresh = await open();
      await fresh.migrate();
      await using old = await open();
      await old.migrate({ only });
      await old.fill();
      const before = await old.rows();
      expect(await old.migrate()).toEqual(MIGRATION_NAMES.slice(only.length));
      expect(await old.schema()).toEqual(await fresh.schema());
      const after = await old.rows();
      for (const [table, rows] of Object.entries(before)) {
        expect(after[table], table).toHaveLength(rows.length);
        for (const row of rows) expect(after[table]).toContainEqual(expect.objectContaining(row));
      }
      if (only.length > 0) {
        expect(after["task"]).toMatchObject([{ user_id: "x", session_id: "x" }]);
      }
      expect(await old.migrate()).toEqual([]);
    },
  );

  test("that are killed before any statement leave the old schema, and can be run again", {
    timeout: 60_000 + STATEMENTS * DEATH_MOST_MS,
  }, async ({ expect }) => {
    await using fresh = await open();
    await fresh.migrate();
    await using old = await open();
    await old.migrate({ only: MIGRATION_NAMES.slice(0, 1) });
    await old.fill();
    const before = { schema: await old.schema(), rows: await old.rows() };
    for (let number = 0; number < STATEMENTS; number++) {
      expect(await dieMigrating(old, number)).toBe("SIGKILL");
      expect(await old.rows(), `statement ${number}`).toEqual(before.rows);
    }
    expect(await old.schema()).toEqual(before.schema);
    expect(await old.migrate()).toEqual(MIGRATION_NAMES.slice(1));
    expect(await old.schema()).toEqual(await fresh.schema());
  });

  test("are made by one of many who start at once", async ({ expect }) => {
    await using store = await open();
    const done = await Promise.all(Array.from({ length: 6 }, () => store.migrate()));
    const applied = done.filter((names) => names.length > 0);
    expect(applied).toEqual([MIGRATION_NAMES]);
  });

  test("refuse a database that a newer Nexflow wrote", async ({ expect }) => {
    await using store = await open();
    await store.migrate();
    await runSql(store, "INSERT INTO kysely_migration VALUES ('9999-more', '')");
    await expect(store.migrate()).rejects.toMatchObject({
      code: "STORE_TOO_NEW",
      message: expect.stringContaining(
        'a newer Nexflow wrote it (migration "9999-more")',
      ) as string,
    });
  });

  test("that cannot be made leave the old schema and say why", async ({ expect }) => {
    await using store = await open();
    await store.migrate({ only: MIGRATION_NAMES.slice(0, 2) });
    await runSql(store, "CREATE TABLE approval (mine TEXT)");
    const before = await store.schema();
    await expect(store.migrate()).rejects.toThrow(/approval.* already exists/u);
    expect(await store.schema()).toEqual(before);
  });
});

describe("migrations on SQLite", () => {
  test("are preceded by a whole copy that can take the database's place", async ({ expect }) => {
    await using old = await OLD_STORES[0][1]();
    await old.migrate({ only: MIGRATION_NAMES.slice(0, 2) });
    await old.fill();
    const before = { schema: await old.schema(), rows: await old.rows() };
    await old.migrate();
    const copy = `${old.place}.${MIGRATION_NAMES[1]}.bak`;
    expect(existsSync(`${copy}.partial`)).toBe(false);
    copyFileSync(copy, old.place);
    expect({ schema: await old.schema(), rows: await old.rows() }).toEqual(before);
  });

  test("find a table that refers to nothing", async ({ expect }) => {
    await using old = await OLD_STORES[0][1]();
    await old.migrate({ only: MIGRATION_NAMES.slice(0, 1) });
    const database = new Database(old.place);
    database.pragma("foreign_keys = OFF");
    database.exec("INSERT INTO session VALUES ('s', 'nobody', '', 1, 1, 1, 1)");
    await expect(migrateSqlite(database, old.place)).rejects.toThrow(
      /Table "session" would refer to rows that are not there; it is as it was before/u,
    );
    database.close();
  });
});

describe("migrations on Postgres", () => {
  test("wait for who uses a table, and do not hold up others meanwhile", async ({ expect }) => {
    await using old = await OLD_STORES[1][1]();
    await old.migrate({ only: MIGRATION_NAMES.slice(0, 2) });
    const [holder, other] = [old.place, old.place].map(
      (connectionString) => new pg.Client({ connectionString }),
    );
    if (holder === undefined || other === undefined) throw new Error("There are no clients");
    await Promise.all([holder.connect(), other.connect()]);
    try {
      await holder.query("BEGIN; LOCK TABLE task IN ACCESS SHARE MODE");
      const migrating = old.migrate();
      await untilSomebodyWaits(other);
      const beganAt = performance.now();
      await other.query("SELECT count(*) FROM task");
      expect(performance.now() - beganAt).toBeLessThan(8_000);
      await holder.query("COMMIT");
      expect(await migrating).toEqual(MIGRATION_NAMES.slice(2));
    } finally {
      await Promise.all([holder.end(), other.end()]);
    }
  });

  test("are made once where two instances start at the same time", async ({ expect }) => {
    await using old = await OLD_STORES[1][1]();
    await using dir = await openTempDir();
    const stores = await Promise.all([
      openStore(dir.path, old.place),
      openStore(dir.path, old.place),
    ]);
    for (const store of stores) {
      expect(await store.reader.call("hasToken")).toBe(false);
      await store[Symbol.asyncDispose]();
    }
  });
});

async function countStatements(names: readonly string[]): Promise<number> {
  const migrations = await loadMigrations("sqlite", { only: names });
  return migrations.reduce((sum, { statements }) => sum + statements.length, 0);
}

async function dieMigrating({ kind, place }: OldStore, number: number): Promise<unknown> {
  const child = spawn(process.execPath, [DIE_MIGRATING, kind, place, `${number}`], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {},
  });
  await once(child, "exit");
  return child.signalCode ?? child.exitCode;
}

async function runSql({ kind, place }: OldStore, statement: string): Promise<void> {
  if (kind === "sqlite") {
    const database = new Database(place);
    database.exec(statement);
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: place });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function untilSomebodyWaits(client: pg.Client): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query("SELECT 1 FROM pg_locks WHERE NOT granted");
    if ((rowCount ?? 0) > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
