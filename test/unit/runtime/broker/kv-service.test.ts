import { describe, test } from "vitest";
import { createKvServices } from "../../../../runtime/broker/kv-service.ts";
import { openMemoryKv } from "../../../../runtime/broker/memory-kv.ts";
import { askService } from "../../../support/ask-service.ts";
import { createGrantedPolicy } from "../../../support/granted-policy.ts";

describe("createKvServices()", () => {
  test("keeps, gives, lists and deletes values", async ({ expect }) => {
    const kv = createKvServices(openMemoryKv());
    const set = await askService(kv["kv-set"], { key: "a" }, { body: "one" });
    expect(set).toMatchObject({ ruling: { verdict: "allowed" }, outcome: { kind: "ok" } });
    const found = await askService(kv["kv-get"], { key: "a" });
    expect(found.outcome).toMatchObject({ kind: "ok", value: { found: true } });
    expect(bodyOf(found)).toBe("one");
    const missing = await askService(kv["kv-get"], { key: "b" });
    expect(missing.outcome).toEqual({ kind: "ok", value: { found: false }, body: undefined });
    const listed = await askService(kv["kv-list"], {});
    expect(listed.outcome).toEqual({ kind: "ok", value: { keys: ["a"] } });
    const deleted = await askService(kv["kv-delete"], { key: "a" });
    expect(deleted.outcome).toEqual({ kind: "ok", value: { found: true } });
    expect((await askService(kv["kv-list"], { prefix: "a", limit: 1 })).outcome).toEqual({
      kind: "ok",
      value: { keys: [] },
    });
  });

  test("keeps users apart", async ({ expect }) => {
    const kv = createKvServices(openMemoryKv());
    await askService(kv["kv-set"], { key: "a" }, { body: "one" });
    const other = await askService(kv["kv-get"], { key: "a" }, { userId: "bob" });
    expect(other.outcome).toMatchObject({ value: { found: false } });
  });

  test("holds a skill to the policy's quota", async ({ expect }) => {
    const kv = createKvServices(openMemoryKv());
    const grants = createGrantedPolicy().grants;
    const policy = createGrantedPolicy({ kv: { ...grants.kv, maxBytes: 4, maxKeys: 9 } });
    const stored = await askService(kv["kv-set"], { key: "a" }, { body: "123", policy });
    const full = await askService(kv["kv-set"], { key: "a" }, { body: "1234", policy });
    expect(stored.outcome.kind).toBe("ok");
    expect(full.outcome).toEqual({
      kind: "error",
      message:
        "Cannot store the value: the store would hold 5 bytes in 1 keys, expected at most 4 bytes and 9 keys",
    });
  });

  test("takes values of 64 KiB and no more", async ({ expect }) => {
    const kv = createKvServices(openMemoryKv());
    const largest = Buffer.alloc(65_536, 1);
    const larger = Buffer.alloc(65_537, 1);
    const stored = await askService(kv["kv-set"], { key: "a" }, { body: largest });
    const refused = await askService(kv["kv-set"], { key: "a" }, { body: larger });
    expect(stored.outcome.kind).toBe("ok");
    expect(refused.outcome).toEqual({
      kind: "error",
      message: "Cannot store 65537 bytes: expected at most 65536",
    });
  });

  test.for([
    [{}, "key:"],
    [{ key: "" }, "key:"],
    [{ key: 1 }, "key:"],
    [{ key: "a\0b" }, "control characters"],
    [{ key: "a\u0085" }, "control characters"],
    [{ key: "\u{E9}".repeat(257) }, "at most 512 bytes"],
    [{ key: "\uD800" }, "whole characters"],
    [{ key: "a", space: "bob" }, "space"],
    [["a"], "the arguments"],
    [null, "the arguments"],
  ] as const)("refuses the key %j", async ([args, expected], { expect }) => {
    const kv = createKvServices(openMemoryKv());
    for (const name of ["kv-get", "kv-set", "kv-delete"] as const) {
      const { outcome } = await askService(kv[name], args);
      expect(outcome).toMatchObject({
        kind: "error",
        message: expect.stringContaining(expected),
      });
    }
  });

  test.for([{ limit: 0 }, { limit: 1_001 }, { prefix: "a\n" }, { key: "a" }])(
    "refuses the listing %j",
    async (args, { expect }) => {
      const kv = createKvServices(openMemoryKv());
      expect((await askService(kv["kv-list"], args)).outcome.kind).toBe("error");
    },
  );

  test("tells a guest nothing of a store that fails", async ({ expect }) => {
    const fails = () => Promise.reject(new Error("/var/lib/nexflow.db: disk I/O error"));
    const kv = createKvServices({ get: fails, set: fails, delete: fails, list: fails });
    for (const [service, args] of [
      [kv["kv-get"], { key: "a" }],
      [kv["kv-set"], { key: "a" }],
      [kv["kv-delete"], { key: "a" }],
      [kv["kv-list"], {}],
    ] as const) {
      const { outcome } = await askService(service, args);
      expect(outcome).toEqual({ kind: "error", message: "The store could not answer" });
    }
  });
});

function bodyOf({ outcome }: Awaited<ReturnType<typeof askService>>): string | undefined {
  return outcome.kind === "ok" && outcome.body !== undefined
    ? Buffer.from(outcome.body).toString()
    : undefined;
}
