import { describe, test } from "vitest";
import type { Kv, KvEntry } from "../../runtime/index.ts";

/** A store of values under test, opened on a place of its own. */
export interface KvUnderTest extends AsyncDisposable {
  readonly kv: Kv;
}

const alice = { skill: "notes", userId: "alice" };
const QUOTA = { maxBytes: 1_000, maxKeys: 10 };

/** What every store of skills' values promises. */
export function describeKv(name: string, open: () => Promise<KvUnderTest>): void {
  describe(`Kv ${name}`, () => {
    test("get() gives the bytes that were set last", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      expect(await kv.get(alice, "a")).toBeUndefined();
      await kv.set(alice, entry("a", "first"), QUOTA);
      expect(await kv.set(alice, entry("a", "\0\u{1F600}"), QUOTA)).toEqual({ kind: "stored" });
      expect(textOf(await kv.get(alice, "a"))).toBe("\0\u{1F600}");
    });

    test("get() tells an empty value from none", async ({ expect }) => {
      await using store = await open();
      await store.kv.set(alice, entry("a", ""), QUOTA);
      expect(await store.kv.get(alice, "a")).toHaveLength(0);
    });

    test("values are copies, both ways", async ({ expect }) => {
      await using store = await open();
      const value = Buffer.from("mine");
      await store.kv.set(alice, { key: "a", value }, QUOTA);
      value.fill(0);
      (await store.kv.get(alice, "a"))?.fill(0);
      expect(textOf(await store.kv.get(alice, "a"))).toBe("mine");
    });

    test("each skill and each user has values of its own", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      // Names that a careless key joins into the same text.
      const spaces = [
        alice,
        { skill: "notes", userId: "bob" },
        { skill: "other", userId: "alice" },
        { skill: "a/b", userId: "c" },
        { skill: "a", userId: "b/c" },
        { skill: 'a","b', userId: "c" },
        { skill: "a", userId: 'b","c' },
      ];
      for (const [index, space] of spaces.entries()) {
        await kv.set(space, entry("same", `value ${index}`), QUOTA);
      }
      for (const [index, space] of spaces.entries()) {
        expect(textOf(await kv.get(space, "same"))).toBe(`value ${index}`);
        expect(await kv.list(space, "", 9)).toEqual(["same"]);
      }
      await kv.delete(alice, "same");
      expect(await kv.get({ ...alice, userId: "bob" }, "same")).toBeDefined();
    });

    test("delete() says whether there was such a key", async ({ expect }) => {
      await using store = await open();
      await store.kv.set(alice, entry("a", "x"), QUOTA);
      expect(await store.kv.delete(alice, "a")).toBe(true);
      expect(await store.kv.delete(alice, "a")).toBe(false);
      expect(await store.kv.get(alice, "a")).toBeUndefined();
    });

    test("list() gives the keys of a prefix in order of their bytes", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      // UTF-16 puts the emoji before the full-width letter, their bytes come the other way round.
      const keys = ["b", "a/2", "a/10", "a%", "a_", "A", "\u{FF21}", "\u{1F600}"];
      for (const key of keys) await kv.set(alice, entry(key, ""), QUOTA);
      const all = ["A", "a%", "a/10", "a/2", "a_", "b", "\u{FF21}", "\u{1F600}"];
      expect(await kv.list(alice, "", 100)).toEqual(all);
      expect(await kv.list(alice, "a/", 100)).toEqual(["a/10", "a/2"]);
      expect(await kv.list(alice, "a%", 100)).toEqual(["a%"]);
      expect(await kv.list(alice, "a_", 100)).toEqual(["a_"]);
      expect(await kv.list(alice, "", 2)).toEqual(all.slice(0, 2));
      expect(await kv.list(alice, "z", 100)).toEqual([]);
    });

    test("set() counts the bytes of keys and values, and changes nothing when full", async ({
      expect,
    }) => {
      await using store = await open();
      const { kv } = store;
      const quota = { maxBytes: 10, maxKeys: 9 };
      // Two bytes of key, six of value.
      expect(await kv.set(alice, entry("\u{E9}", "123456"), quota)).toEqual({ kind: "stored" });
      const full = await kv.set(alice, entry("b", "12"), quota);
      expect(full).toEqual({ kind: "full", bytes: 11, keys: 2 });
      expect(await kv.list(alice, "", 9)).toEqual(["\u{E9}"]);
      expect(await kv.set(alice, entry("b", "1"), quota)).toEqual({ kind: "stored" });
      const tooLong = await kv.set(alice, entry("b", "12"), quota);
      expect(tooLong).toEqual({ kind: "full", bytes: 11, keys: 2 });
      expect(textOf(await kv.get(alice, "b"))).toBe("1");
    });

    test("set() counts keys, a replaced one once, and deleted ones no more", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      const quota = { maxBytes: 1_000, maxKeys: 2 };
      await kv.set(alice, entry("a", "1"), quota);
      await kv.set(alice, entry("b", "2"), quota);
      expect(await kv.set(alice, entry("c", "3"), quota)).toEqual({
        kind: "full",
        bytes: 6,
        keys: 3,
      });
      expect(await kv.set(alice, entry("b", "3"), quota)).toEqual({ kind: "stored" });
      await kv.delete(alice, "a");
      expect(await kv.set(alice, entry("c", "3"), quota)).toEqual({ kind: "stored" });
    });

    test("set() has the bytes of deleted and shortened values free again", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      const quota = { maxBytes: 10, maxKeys: 9 };
      await kv.set(alice, entry("a", "1234"), quota);
      await kv.set(alice, entry("b", "1234"), quota);
      await kv.delete(alice, "a");
      await kv.delete(alice, "never there");
      expect(await kv.set(alice, entry("c", "1234"), quota)).toEqual({ kind: "stored" });
      await kv.set(alice, entry("b", ""), quota);
      expect(await kv.set(alice, entry("d", "123"), quota)).toEqual({ kind: "stored" });
      const full = await kv.set(alice, entry("e", ""), quota);
      expect(full).toEqual({ kind: "full", bytes: 11, keys: 4 });
    });

    test("set() holds its quota when many set at once", async ({ expect }) => {
      await using store = await open();
      const { kv } = store;
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, index) => kv.set(alice, entry(`key ${index}`, "x"), QUOTA)),
      );
      expect(results.filter(({ kind }) => kind === "stored")).toHaveLength(QUOTA.maxKeys);
      expect(await kv.list(alice, "", 100)).toHaveLength(QUOTA.maxKeys);
    });

    test("one space being full leaves room in the others", async ({ expect }) => {
      await using store = await open();
      const quota = { maxBytes: 100, maxKeys: 1 };
      await store.kv.set(alice, entry("a", "1"), quota);
      const other = { ...alice, userId: "bob" };
      expect(await store.kv.set(other, entry("b", "1"), quota)).toEqual({ kind: "stored" });
    });
  });
}

function entry(key: string, text: string): KvEntry {
  return { key, value: Buffer.from(text) };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
