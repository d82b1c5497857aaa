import Database from "better-sqlite3";
import { test } from "vitest";
import {
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { describeStore } from "../../contract/store.ts";
import { openSqliteTestStore, repositoriesOf, STORES } from "../../support/open-test-store.ts";

for (const [name, open] of STORES) {
  describeStore(name, async () => {
    const opened = await open();
    return {
      get turns() {
        return repositoriesOf(opened).turns;
      },
      get instances() {
        return repositoriesOf(opened).instances;
      },
      get sessions() {
        return repositoriesOf(opened).sessions;
      },
      get users() {
        return repositoriesOf(opened).users;
      },
      reopen: () => opened.reopen(),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });
}

test("claim() passes over a turn while a later one of its session runs", async ({ expect }) => {
  await using opened = await openSqliteTestStore();
  const { instances, turns, users } = repositoriesOf(opened);
  const instanceId = parseInstanceId("here");
  const owner = {
    instanceId,
    ...(await instances.join({ instanceId, leaseMs: 60_000, isAlone: true })),
  };
  const userId = parseUserId("ada");
  await users.add({ id: userId, name: "Ada", role: "member", createdAtMs: 1 });
  const sessionId = parseSessionId("s1");
  for (const name of ["t1", "t2"]) {
    const session = { id: sessionId, isNew: name === "t1" };
    const message = { clientMessageId: name, messageId: parseMessageId(`m-${name}`), text: "x" };
    await turns.accept({ turnId: parseTurnId(name), userId, ...message, session, owner, nowMs: 1 });
  }
  // What two instances of Postgres can come to that look at a session at the same moment.
  const database = new Database(databaseFile(opened.homeDir));
  database.exec("UPDATE turn SET state = 'queued' WHERE turn_id = 't1'");
  database.exec("UPDATE turn SET state = 'running', instance_id = 'here' WHERE turn_id = 't2'");
  database.close();
  expect(await turns.claim({ owner, limit: 9, nowMs: 2 })).toEqual([]);
});
