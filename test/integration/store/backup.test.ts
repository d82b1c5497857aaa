import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, test } from "vitest";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import { readBackup, verifyBackup } from "#infrastructure/store/backup/backup-file.ts";
import { skillCallToArgs } from "#infrastructure/store/call-rows.ts";
import { verifyLocalAudit } from "#infrastructure/store/local-audit.ts";
import { backUpStore, restoreStore, verifyBackupFile } from "#infrastructure/store/local-backup.ts";
import { openLocalStore, type StoreAddress } from "#infrastructure/store/local-store.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import { createSessionRepository } from "#infrastructure/store/repositories.ts";
import { callRecord } from "../../support/call-records.ts";
import { answerMessage, fillStore } from "../../support/fill-store.ts";
import { openJobEngine } from "../../support/open-job-engine.ts";
import { STORES, type TestStore } from "../../support/open-test-store.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { openTempDir } from "../../support/temp-dir.ts";

/** Tables that a restore itself writes. */
const OWN: ReadonlySet<string> = new Set([
  "counter",
  "instance",
  "audit_entry",
  "audit_head",
  "job",
]);

const PLACES = [
  ["SQLite", openDirectory],
  ["Postgres", openDatabase],
] as const;

for (const [from, openFrom] of STORES) {
  describe(`a backup of a store ${from}`, () => {
    test.for(PLACES)(
      "taken under load can be restored into %s",
      async ([, openPlace], { expect }) => {
        await using opened = await openFrom();
        await using place = await openPlace();
        const { store } = opened;
        const { owner, sessionId, headSeq } = await fillStore(store.writer);
        const load = startLoad(() => answerMessage(store.writer, owner));
        const file = path.join(opened.homeDir, "backup.gz");
        const report = await backUpStore(addressOf(opened), { file, version: "0" });
        expect(await load.stop()).toBeGreaterThan(0);
        expect(report.tables).toMatchObject({ user: 1, skill_kv: 3, skill_call: 5, host_call: 1 });
        expect(await verifyBackupFile(file)).toEqual(report);
        // What a client saw after the backup is not in it.
        const later = await answerMessage(store.writer, owner);

        const restored = await restoreStore(place.address, { file, isForced: false });
        expect(restored).toMatchObject({ tables: report.tables, migrated: [] });
        const again = path.join(opened.homeDir, "again.gz");
        await backUpStore(place.address, { file: again, version: "0" });
        expect(await dataOf(again)).toEqual(await dataOf(file));

        const verdict = await verifyLocalAudit(place.address, { file: undefined });
        expect(verdict).toMatchObject({ kind: "intact", entries: 5 });

        await using other = await openStore(place.address.homeDir, place.address.databaseUrl);
        const { epoch } = await other.writer.call("joinInstance", {
          instanceId: owner.instanceId,
          leaseMs: 1_000,
          isAlone: true,
        });
        expect(epoch).toBeGreaterThan(Date.now() - 60_000);
        const sessions = createSessionRepository(other.reader, other.writer);
        const position = { sessionId, after: headSeq, epoch: owner.epoch, limit: 9 };
        expect(await sessions.readEvents(position)).toMatchObject({ kind: "events", events: [] });
        const ahead = { ...position, sessionId: later.sessionId };
        expect((await sessions.readEvents(ahead)).kind).toBe("unknown-position");
        // The firing that had not ended has its job, wherever that was before, and so has the
        // question that nobody has answered.
        const engine = openJobEngine({ store: other });
        await engine.open([JOB_QUEUES.firing, JOB_QUEUES.expireApproval]);
        const expiries = await engine.fetch(JOB_QUEUES.expireApproval, 10);
        expect(expiries).toMatchObject([{ data: { approvalId: "a1" } }]);
        const jobs = await engine.fetch(JOB_QUEUES.firing, 10);
        expect(jobs).toMatchObject([{ data: { dueAtMs: 60_000 } }]);
        await engine.close();
        // Numbers that the store counts by itself go on where they were.
        const skillCalls = [skillCallToArgs(callRecord({ userId: "alice" }), 9)];
        await other.writer.call("recordCalls", { skillCalls, hostCalls: [], maxRows: 100 });
      },
    );
  });
}

describe.for(STORES)("restore %s", ([, open]) => {
  test("refuses a damaged backup and leaves everything as it was", async ({ expect }) => {
    await using opened = await open();
    const { owner } = await fillStore(opened.store.writer);
    await opened.store.writer.call("leaveInstance", owner.instanceId);
    const address = addressOf(opened);
    const file = path.join(opened.homeDir, "backup.gz");
    await backUpStore(address, { file, version: "0" });
    const lines = gunzipSync(await readFile(file))
      .toString("utf8")
      .split("\n");
    const bad = path.join(opened.homeDir, "bad.gz");
    // The last table lacks a row: all before it is loaded when this comes to light.
    const row = lines.findLastIndex((line) => line.startsWith("["));
    await writeFile(bad, gzipSync(lines.toSpliced(row, 1).join("\n")));
    await opened.close();
    const before = await dumpOf(address, opened.homeDir, 1);
    const refused = restoreStore(address, { file: bad, isForced: true });
    await expect(refused).rejects.toMatchObject({ code: "BACKUP_INVALID" });
    expect(await dumpOf(address, opened.homeDir, 2)).toEqual(before);
    const names = await readdir(opened.homeDir);
    expect(names.filter((name) => /restoring|before-restore/u.test(name))).toEqual([]);
  });

  test("refuses a store with data, and one that is in use, unless forced", async ({ expect }) => {
    await using opened = await open();
    const address = addressOf(opened);
    const { owner } = await fillStore(opened.store.writer);
    const file = path.join(opened.homeDir, "backup.gz");
    await backUpStore(address, { file, version: "0" });
    const inUse = restoreStore(address, { file, isForced: true });
    await expect(inUse).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await opened.store.writer.call("leaveInstance", owner.instanceId);
    await opened.close();
    const over = restoreStore(address, { file, isForced: false });
    await expect(over).rejects.toMatchObject({ code: "STORE_NOT_EMPTY" });
    const { tables } = await restoreStore(address, { file, isForced: true });
    expect(tables).toMatchObject({ user: 1 });
    await using store = await openLocalStore(address);
    const [newest] = (await store?.reader.call("listAudit", { limit: 1 })) ?? [];
    expect(newest).toMatchObject({ action: "store.restored" });
  });

  test("refuses the backup of a newer Nexflow", async ({ expect }) => {
    await using opened = await open();
    const address = addressOf(opened);
    const file = path.join(opened.homeDir, "backup.gz");
    await backUpStore(address, { file, version: "0" });
    const text = gunzipSync(await readFile(file)).toString("utf8");
    const newer = path.join(opened.homeDir, "newer.gz");
    await writeFile(newer, gzipSync(text.replace('"migrations":[', '"migrations":["9999-more",')));
    await opened.close();
    const refused = restoreStore(address, { file: newer, isForced: true });
    await expect(refused).rejects.toMatchObject({
      code: "STORE_TOO_NEW",
      message: expect.stringContaining("9999-more") as string,
    });
  });
});

test("restore keeps a SQLite database that was there, damaged or not", async ({ expect }) => {
  await using opened = await STORES[0][1]();
  const address = addressOf(opened);
  await fillStore(opened.store.writer);
  const file = path.join(opened.homeDir, "backup.gz");
  await backUpStore(address, { file, version: "0" });
  await opened.close();
  const database = path.join(opened.homeDir, "nexflow.db");
  const { movedTo } = await restoreStore(address, { file, isForced: true });
  expect((await readFile(movedTo ?? "")).subarray(0, 15).toString()).toBe("SQLite format 3");

  const garbage = Buffer.from("no database at all ".repeat(1_000));
  await writeFile(database, garbage);
  await writeFile(`${database}-wal`, "no log");
  const restored = await restoreStore(address, { file, isForced: true });
  expect(await readFile(restored.movedTo ?? "")).toEqual(garbage);
  expect(await readFile(`${restored.movedTo}-wal`, "utf8")).toBe("no log");
  await using store = await openStore(opened.homeDir);
  expect(await store.reader.call("hasToken")).toBe(true);
});

/** What a store holds, but for what a restore changes. */
async function dataOf(file: string) {
  const sums = [...(await verifyBackup(file))];
  return sums.filter(([name]) => !OWN.has(name));
}

async function dumpOf(address: StoreAddress, dir: string, number: number) {
  const file = path.join(dir, `dump-${number}.gz`);
  await backUpStore(address, { file, version: "0" });
  const rows: unknown[] = [];
  let isAudit = false;
  for await (const part of readBackup(file)) {
    // Each backup is on the audit log itself.
    if (part.kind === "table") isAudit = part.name.startsWith("audit_");
    if (part.kind === "rows" && !isAudit) rows.push(...part.rows);
  }
  return rows;
}

function addressOf({ store, homeDir }: TestStore): StoreAddress {
  const { location } = store;
  return { homeDir, databaseUrl: location.kind === "postgres" ? location.url : undefined };
}

async function openDirectory() {
  const dir = await openTempDir();
  const address: StoreAddress = { homeDir: dir.path, databaseUrl: undefined };
  return { address, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

async function openDatabase() {
  const dir = await openTempDir();
  const database = await openTestDatabase();
  return {
    address: { homeDir: dir.path, databaseUrl: database.url },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Does something again and again until it is stopped; gives how often it was done. */
function startLoad(work: () => Promise<unknown>) {
  let isOn = true;
  const run = (async () => {
    let done = 0;
    for (; isOn; done++) await work();
    return done;
  })();
  return {
    stop: () => {
      isOn = false;
      return run;
    },
  };
}
