import Database from "better-sqlite3";
import { describe, test } from "vitest";
import { parseUserId } from "#domain/shared/id.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import { createSkillKv } from "#infrastructure/store/skill-kv.ts";
import { openSqlite } from "#infrastructure/store/sqlite/sqlite-connection.ts";
import { SqliteReader } from "#infrastructure/store/sqlite/sqlite-reader.ts";
import { describeKv } from "../../contract/kv.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const QUOTA = { maxBytes: 1_000, maxKeys: 10 };
const ada = { skill: "notes", userId: "ada" };
const eve = { skill: "notes", userId: "eve" };

describeKv("on SQLite", openSkillKv);

describe("createSkillKv()", () => {
  test("values are there after the store was opened again", async ({ expect }) => {
    await using dir = await openTempDir();
    {
      await using opened = await openSkillKv(dir.path);
      await opened.kv.set(ada, { key: "a", value: Buffer.from("kept") }, QUOTA);
    }
    await using opened = await openSkillKv(dir.path);
    expect(Buffer.from((await opened.kv.get(ada, "a")) ?? []).toString()).toBe("kept");
  });

  test("values go with their user, and no one else's", async ({ expect }) => {
    await using dir = await openTempDir();
    await using opened = await openSkillKv(dir.path);
    for (const space of [ada, eve]) {
      await opened.kv.set(space, { key: "a", value: Buffer.from("x") }, QUOTA);
    }
    const database = new Database(opened.file);
    database.pragma("foreign_keys = ON");
    database.prepare(`DELETE FROM "user" WHERE user_id = 'ada'`).run();
    database.close();
    expect(await opened.kv.list(ada, "", 10)).toEqual([]);
    expect(await opened.kv.list(eve, "", 10)).toEqual(["a"]);
  });

  test("set() for a user that there is not is refused", async ({ expect }) => {
    await using opened = await openSkillKv();
    const nobody = { skill: "notes", userId: "nobody" };
    await expect(
      opened.kv.set(nobody, { key: "a", value: Buffer.from("x") }, QUOTA),
    ).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("list() takes keys that hold what ends a text in C for what they are", async ({
    expect,
  }) => {
    await using opened = await openSkillKv();
    for (const key of ["a", "a\0", "a\0b", "b"]) {
      await opened.kv.set(ada, { key, value: Buffer.from(key) }, QUOTA);
    }
    expect(await opened.kv.list(ada, "a\0", 10)).toEqual(["a\0", "a\0b"]);
  });
});

/** The users are those of the contract and of the tests here. */
async function openSkillKv(path?: string) {
  const dir = path === undefined ? await openTempDir() : undefined;
  const store = await openStore(path ?? dir?.path ?? "");
  await store.writer.call("addUser", {
    id: parseUserId("ada"),
    name: "Ada",
    role: "member",
    createdAtMs: 1,
  });
  const database = new Database(store.file);
  const addUser = database.prepare(`INSERT OR IGNORE INTO "user" VALUES (?, 'x', 'member', 1)`);
  for (const userId of ["alice", "bob", "eve", "c", "b/c", 'b","c']) addUser.run(userId);
  database.close();
  const connection = openSqlite({ file: store.file, mode: "read" });
  const reader = new SqliteReader(connection);
  return {
    file: store.file,
    kv: createSkillKv({ writer: store.writer, reader: () => reader }),
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await store[Symbol.asyncDispose]();
      await dir?.[Symbol.asyncDispose]();
    },
  };
}
