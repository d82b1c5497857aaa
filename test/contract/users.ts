import { describe, test } from "vitest";
import { type CredentialId, parseCredentialId, parseUserId } from "#domain/shared/id.ts";
import type { CredentialRepository, NewCredential } from "#domain/user/credential-repository.ts";
import { SCOPES } from "#domain/user/scope.ts";
import type { User } from "#domain/user/user.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";

export interface UsersUnderTest extends AsyncDisposable {
  readonly users: UserRepository;
  readonly credentials: CredentialRepository;
}

const [ada, bob, eve] = [parseUserId("ada"), parseUserId("bob"), parseUserId("eve")];
const admin: User = { id: ada, name: "Ada", role: "admin", createdAtMs: 1 };
const member: User = { id: bob, name: "Bob", role: "member", createdAtMs: 2 };
const id = (raw: string): CredentialId => parseCredentialId(raw);

function token(name: string, more: Partial<NewCredential> = {}): NewCredential {
  const own = { id: id(name), hash: `hash of ${name}`, kind: "token", userId: bob } as const;
  return { ...own, label: name, scopes: ["sessions:read"], createdAtMs: 5, ...more };
}

/** What every keeper of users and credentials promises. */
export function describeUsers(name: string, openStore: () => Promise<UsersUnderTest>): void {
  const open = async () => {
    const store = await openStore();
    for (const user of [admin, member]) await store.users.add(user);
    return store;
  };
  const findBy = (
    { credentials }: UsersUnderTest,
    which: string,
    { kind = "token", nowMs = 10 }: { kind?: NewCredential["kind"]; nowMs?: number } = {},
  ) => credentials.findPrincipal({ hash: `hash of ${which}`, kind, nowMs });

  describe(`UserRepository ${name}`, () => {
    test("find() and list() give users, a page at a time", async ({ expect }) => {
      await using store = await open();
      const { users } = store;
      await users.add({ ...member, id: eve, name: "Eve" });
      await users.add({ ...admin, name: "Another" });
      expect(await users.find(ada)).toEqual(admin);
      expect(await users.find(parseUserId("nobody"))).toBeUndefined();
      const page = await users.list({ limit: 2 });
      expect(page).toEqual([admin, member]);
      expect(await users.list({ limit: 2, after: bob })).toMatchObject([{ name: "Eve" }]);
    });

    test("change() changes what is given, and keeps the last administrator", async ({ expect }) => {
      await using store = await open();
      const { users } = store;
      expect(await users.change({ userId: eve, name: "E" })).toEqual({ kind: "not-found" });
      expect(await users.change({ userId: ada, role: "member" })).toEqual({ kind: "last-admin" });
      expect(await users.change({ userId: ada, name: "Countess" })).toEqual({
        kind: "changed",
        user: { ...admin, name: "Countess" },
      });
      expect(await users.change({ userId: bob, role: "admin" })).toMatchObject({ kind: "changed" });
      expect(await users.change({ userId: ada, role: "operator" })).toMatchObject({
        user: { name: "Countess", role: "operator" },
      });
      expect(await users.find(ada)).toMatchObject({ name: "Countess", role: "operator" });
    });

    test("two administrators who demote each other at once leave one", async ({ expect }) => {
      await using store = await open();
      const { users } = store;
      for (let round = 0; round < 5; round += 1) {
        await users.change({ userId: ada, role: "admin" });
        await users.change({ userId: bob, role: "admin" });
        const results = await Promise.all([
          users.change({ userId: ada, role: "member" }),
          users.change({ userId: bob, role: "member" }),
        ]);
        expect(results.map(({ kind }) => kind).toSorted()).toEqual(["changed", "last-admin"]);
      }
    });

    test("remove() takes a user with all credentials, but not the last administrator", async ({
      expect,
    }) => {
      await using store = await open();
      const { users, credentials } = store;
      await credentials.add(token("t2"));
      await credentials.add(token("t1"));
      expect(await users.remove(ada)).toEqual({ kind: "last-admin" });
      expect(await users.remove(eve)).toEqual({ kind: "not-found" });
      expect(await users.remove(bob)).toEqual({
        kind: "removed",
        credentialIds: [id("t1"), id("t2")],
      });
      expect(await users.find(bob)).toBeUndefined();
      expect(await findBy(store, "t1")).toBeUndefined();
    });
  });

  describe(`CredentialRepository ${name}`, () => {
    test("findPrincipal() knows a credential by hash and kind until it expires", async ({
      expect,
    }) => {
      await using store = await open();
      expect(await store.credentials.hasToken()).toBe(false);
      await store.credentials.add(token("t1", { expiresAtMs: 100 }));
      await store.credentials.add(token("t2", { scopes: "all" }));
      expect(await store.credentials.hasToken()).toBe(true);
      expect(await findBy(store, "t1", { nowMs: 99 })).toEqual({
        user: member,
        credentialId: id("t1"),
        scopes: ["sessions:read"],
        expiresAtMs: 100,
      });
      expect(await findBy(store, "t1", { nowMs: 100 })).toBeUndefined();
      expect(await findBy(store, "t1", { kind: "browser" })).toBeUndefined();
      expect(await findBy(store, "t2")).toMatchObject({ scopes: SCOPES, expiresAtMs: undefined });
    });

    test("add() adds once, and nothing for a user or parent that is gone", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("t1", { label: "again" }));
      await credentials.add(token("t2", { userId: eve }));
      await credentials.add(token("t3", { parentId: id("none") }));
      const listed = await credentials.list({ userId: bob, limit: 9 });
      expect(listed).toEqual([
        {
          id: id("t1"),
          kind: "token",
          userId: bob,
          label: "t1",
          scopes: ["sessions:read"],
          createdAtMs: 5,
          expiresAtMs: undefined,
          lastUsedAtMs: undefined,
        },
      ]);
      expect(await credentials.list({ userId: eve, limit: 9 })).toEqual([]);
    });

    test("listPrincipals() tells which of many are still good", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("t2", { expiresAtMs: 9 }));
      await credentials.add(token("t3", { userId: ada }));
      const ask = async (...names: readonly string[]) => {
        const credentialIds = names.map(id);
        const found = await credentials.listPrincipals({ credentialIds, nowMs: 9 });
        return found.map(({ credentialId }) => credentialId).toSorted();
      };
      expect(await ask("t1", "t2", "t3", "none", "t1")).toEqual([id("t1"), id("t3")]);
      expect(await ask()).toEqual([]);
    });

    test("list() pages in the order of the ids", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      for (const each of ["t3", "t1", "t2"]) await credentials.add(token(each));
      await credentials.add(token("t0", { userId: ada }));
      const page = await credentials.list({ userId: bob, limit: 2 });
      expect(page.map((each) => each.id)).toEqual([id("t1"), id("t2")]);
      const rest = await credentials.list({ userId: bob, limit: 2, after: id("t2") });
      expect(rest.map((each) => each.id)).toEqual([id("t3")]);
    });

    test("removal takes along what was opened by it", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("b1", { kind: "browser", parentId: id("t1") }));
      await credentials.add(token("b2", { kind: "browser" }));
      const byStranger = { userId: ada, credentialId: id("t1") };
      expect(await credentials.removeToken(byStranger)).toEqual([]);
      expect(await credentials.removeToken({ userId: bob, credentialId: id("t1") })).toEqual([
        id("b1"),
        id("t1"),
      ]);
      expect(await credentials.removeToken({ userId: bob, credentialId: id("t1") })).toEqual([]);
      expect(await findBy(store, "b1", { kind: "browser" })).toBeUndefined();
      const hash = "hash of b2";
      expect(await credentials.removeByHash({ hash, kind: "token" })).toEqual([]);
      expect(await credentials.removeByHash({ hash, kind: "browser" })).toEqual([id("b2")]);
      expect(await credentials.removeByHash({ hash, kind: "browser" })).toEqual([]);
    });

    test("what is made by a credential lasts no longer, nor does what is made by that", async ({
      expect,
    }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1", { expiresAtMs: 100 }));
      const add = (name: string, parent: string, more: Partial<NewCredential> = {}) =>
        credentials.add(token(name, { parentId: id(parent), ...more }));
      expect(await add("t2", "t1")).toEqual({ kind: "added", expiresAtMs: 100 });
      expect(await add("t3", "t2", { expiresAtMs: 50, userId: ada })).toEqual({
        kind: "added",
        expiresAtMs: 50,
      });
      expect(await add("t4", "t3", { createdAtMs: 50 })).toEqual({ kind: "parent-gone" });
      expect(await findBy(store, "t2", { nowMs: 100 })).toBeUndefined();
      expect(await add("t5", "t2", { userId: ada })).toMatchObject({ kind: "added" });
      expect(await credentials.removeToken({ userId: bob, credentialId: id("t1") })).toEqual([
        id("t1"),
        id("t2"),
        id("t5"),
      ]);
      expect(await findBy(store, "t5")).toBeUndefined();
      expect(await add("t6", "t2")).toEqual({ kind: "parent-gone" });
      expect(await credentials.add(token("t7", { userId: eve }))).toEqual({ kind: "user-gone" });
    });

    test("what a browser makes is its token's", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      const browser = { kind: "browser", expiresAtMs: 100 } as const;
      await credentials.add(token("b1", { ...browser, parentId: id("t1") }));
      await credentials.add(token("b2", browser));
      const add = (name: string, parent: string) =>
        credentials.add(token(name, { parentId: id(parent) }));
      expect(await add("t2", "b1")).toEqual({ kind: "added", expiresAtMs: undefined });
      expect(await add("t3", "b2")).toEqual({ kind: "added", expiresAtMs: 100 });
      await credentials.removeByHash({ hash: "hash of b1", kind: "browser" });
      expect(await findBy(store, "t2")).toBeDefined();
      expect(await add("t4", "b1")).toEqual({ kind: "parent-gone" });
      await credentials.removeToken({ userId: bob, credentialId: id("t1") });
      expect(await findBy(store, "t2")).toBeUndefined();
    });

    test("a login link lets one browser in, and no other kind of credential is one", async ({
      expect,
    }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("l1", { kind: "link", expiresAtMs: 100 }));
      const come = (name: string, link: string) =>
        credentials.add(token(name, { kind: "browser", linkHash: `hash of ${link}` }));
      const kinds = async (...all: readonly Promise<{ readonly kind: string }>[]) =>
        (await Promise.all(all)).map(({ kind }) => kind).toSorted();
      expect(await kinds(come("b1", "l1"), come("b2", "l1"))).toEqual(["added", "parent-gone"]);
      expect(await kinds(come("b3", "l1"), come("b4", "t1"))).toEqual([
        "parent-gone",
        "parent-gone",
      ]);
      expect(await findBy(store, "l1", { kind: "link" })).toBeUndefined();
      expect(await findBy(store, "t1")).toBeDefined();
      const browsers = await credentials.list({ userId: bob, limit: 9 });
      expect(browsers.filter(({ kind }) => kind === "browser")).toHaveLength(1);
    });

    test("a user who goes takes along what was made by their credentials", async ({ expect }) => {
      await using store = await open();
      const { users, credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("t2", { userId: ada, parentId: id("t1") }));
      const credentialIds = [id("t1"), id("t2")];
      expect(await users.remove(bob)).toEqual({ kind: "removed", credentialIds });
      expect(await findBy(store, "t2")).toBeUndefined();
    });

    test("a browser that comes in while its token is revoked is gone with it", async ({
      expect,
    }) => {
      await using store = await open();
      const { credentials } = store;
      for (let round = 0; round < 10; round += 1) {
        const parent = `t${round}`;
        await credentials.add(token(parent));
        const browser = token(`b${round}`, { kind: "browser", parentId: id(parent) });
        await credentials.add(token(`c${round}`, { kind: "browser", parentId: id(parent) }));
        await Promise.all([
          credentials.add(browser),
          credentials.add(token(`d${round}`, { parentId: id(`c${round}`) })),
          credentials.removeToken({ userId: bob, credentialId: id(parent) }),
        ]);
        expect(await findBy(store, `b${round}`, { kind: "browser" })).toBeUndefined();
        expect(await findBy(store, `d${round}`)).toBeUndefined();
      }
    });

    test("replaceToken() leaves one token of a label and the others alone", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      const replace = (hash: string | undefined, at: string) =>
        credentials.replaceToken({ id: id(at), label: "env", userId: ada, hash, nowMs: 5 });
      await credentials.add(token("mine"));
      await credentials.add(token("alike", { label: "env" }));
      await replace("hash of one", "e1");
      await credentials.add(token("b1", { kind: "browser", userId: ada, parentId: id("e1") }));
      await replace("hash of one", "e2");
      expect(await findBy(store, "one")).toMatchObject({ credentialId: id("e1"), scopes: SCOPES });
      expect(await findBy(store, "b1", { kind: "browser" })).toBeDefined();
      await replace("hash of two", "e3");
      expect(await findBy(store, "one")).toBeUndefined();
      expect(await findBy(store, "b1", { kind: "browser" })).toBeUndefined();
      expect(await findBy(store, "two")).toMatchObject({ credentialId: id("e3") });
      await replace(undefined, "e4");
      expect(await findBy(store, "two")).toBeUndefined();
      expect(await findBy(store, "mine")).toBeDefined();
      expect(await findBy(store, "alike")).toBeDefined();
    });

    test("touch() notes the use, in steps of ten minutes", async ({ expect }) => {
      await using store = await open();
      const { credentials } = store;
      await credentials.add(token("t1"));
      await credentials.add(token("t2"));
      const lastUsed = async (nowMs: number) => {
        await credentials.touch({ credentialIds: [id("t1"), id("none")], nowMs });
        const listed = await credentials.list({ userId: bob, limit: 9 });
        return listed.map((each) => each.lastUsedAtMs);
      };
      expect(await lastUsed(1_000)).toEqual([1_000, undefined]);
      expect(await lastUsed(2_000)).toEqual([1_000, undefined]);
      expect(await lastUsed(601_000)).toEqual([601_000, undefined]);
    });
  });
}
