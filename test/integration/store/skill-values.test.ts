import Database from "better-sqlite3";
import { describe, test } from "vitest";
import type { UserId } from "#domain/shared/id.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { createSkillKv } from "#infrastructure/store/skill-kv.ts";
import { describeKv } from "../../contract/kv.ts";
import {
  openSqliteTestStore,
  repositoriesOf,
  STORES,
  type TestStore,
} from "../../support/open-test-store.ts";

const QUOTA = { maxBytes: 1_000, maxKeys: 10 };
const ada = { skill: "notes", userId: "ada" };
const eve = { skill: "notes", userId: "eve" };

for (const [name, open] of STORES) describeKv(name, () => openSkillKv(open));

describe("createSkillKv()", () => {
  test("values are there after the store was opened again", async ({ expect }) => {
    await using opened = await openSkillKv();
    await opened.kv.set(ada, { key: "a", value: Buffer.from("kept") }, QUOTA);
    await opened.opened.reopen();
    expect(Buffer.from((await opened.kv.get(ada, "a")) ?? []).toString()).toBe("kept");
  });

  test("values go with their user, and no one else's", async ({ expect }) => {
    await using opened = await openSkillKv();
    for (const space of [ada, eve]) {
      await opened.kv.set(space, { key: "a", value: Buffer.from("x") }, QUOTA);
    }
    const database = new Database(databaseFile(opened.opened.homeDir));
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
async function openSkillKv(open = openSqliteTestStore): Promise<OpenedKv> {
  const opened = await open();
  const { users } = repositoriesOf(opened);
  for (const name of ["ada", "alice", "bob", "eve", "c", "b/c", 'b","c']) {
    await users.add({ id: name as UserId, name, role: "member", createdAtMs: 1 });
  }
  return {
    opened,
    get kv() {
      return createSkillKv(opened.store);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

interface OpenedKv extends AsyncDisposable {
  readonly opened: TestStore;
  readonly kv: ReturnType<typeof createSkillKv>;
}
