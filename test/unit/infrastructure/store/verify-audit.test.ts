import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, onTestFinished, test, vi } from "vitest";
import type { AuditEntry } from "#domain/audit/audit-log.ts";
import { toAuditLine } from "#infrastructure/store/audit-lines.ts";
import { createVerifyAudit, verifyAuditFile } from "#infrastructure/store/verify-audit.ts";
import { createMemoryAuditLog } from "../../../support/fakes/memory-audit-log.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

describe("createVerifyAudit()", () => {
  const event = {
    atMs: 1,
    actor: "u1",
    action: "token.created",
    subject: "token:t",
    decision: "allowed",
    detail: {},
  } as const;

  test("reads the log once for all who ask meanwhile, and anew for the next", async ({
    expect,
  }) => {
    const log = createMemoryAuditLog();
    await log.append([event]);
    const read = vi.spyOn(log, "read");
    const verify = createVerifyAudit(log);
    const verdicts = await Promise.all([verify(), verify(), verify()]);
    expect(new Set(verdicts)).toEqual(new Set([expect.objectContaining({ entries: 1 })]));
    expect(read).toHaveBeenCalledTimes(2);
    await log.append([event]);
    expect(await verify()).toMatchObject({ kind: "intact", entries: 2 });
  });

  test("is asked again after it failed", async ({ expect }) => {
    const log = createMemoryAuditLog();
    vi.spyOn(log, "read").mockRejectedValueOnce(new Error("gone"));
    const verify = createVerifyAudit(log);
    await expect(verify()).rejects.toThrow("gone");
    expect(await verify()).toMatchObject({ kind: "intact" });
  });

  test("lets others have their turn between the pages", async ({ expect }) => {
    const log = createMemoryAuditLog();
    await log.append(Array.from({ length: 2_100 }, () => event));
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    onTestFinished(() => clearInterval(counting));
    expect(await createVerifyAudit(log)()).toMatchObject({ entries: 2_100 });
    expect(turns).toBeGreaterThanOrEqual(2);
  });
});

describe("verifyAuditFile()", () => {
  test("finds a whole file intact, with erased entries and as a later part", async ({ expect }) => {
    await using made = await makeFile();
    const { file, entries, head } = made;
    expect(await verifyAuditFile(file, { expected: head })).toEqual({
      kind: "intact",
      entries: 6,
      erased: 1,
      head,
    });
    const later = path.join(path.dirname(file), "later.jsonl");
    await writeFile(later, linesOf(entries.slice(3)));
    expect(await verifyAuditFile(later, { start: entries[2] })).toMatchObject({ entries: 3, head });
    expect(await verifyAuditFile(later, {})).toEqual({ kind: "broken", seq: 4, flaw: "number" });
  });

  test("finds every changed byte", async ({ expect }) => {
    await using made = await makeFile();
    const { file } = made;
    const whole = await readFile(file);
    let missed = 0;
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await writeFile(file, changed);
      const { kind } = await verifyAuditFile(file, {});
      // A line feed that became another white space or the like leaves what is said as it was.
      if (kind === "intact") missed += 1;
    }
    expect(missed).toBe(0);
  });

  test("finds a tail that was cut by the head alone, half a line by itself", async ({ expect }) => {
    await using made = await makeFile();
    const { file, entries, head } = made;
    await writeFile(file, linesOf(entries.slice(0, 4)));
    expect(await verifyAuditFile(file, {})).toMatchObject({ kind: "intact", entries: 4 });
    const verdict = await verifyAuditFile(file, { expected: head });
    expect(verdict).toEqual({ kind: "broken", seq: 5, flaw: "end" });
    await writeFile(file, linesOf(entries).slice(0, -40));
    expect(await verifyAuditFile(file, {})).toEqual({ kind: "broken", seq: 6, flaw: "line" });
  });

  test("says that there is no such file", async ({ expect }) => {
    await expect(verifyAuditFile("/nowhere/audit.jsonl", {})).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("/nowhere/audit.jsonl") as string,
    });
  });
});

async function makeFile() {
  const dir = await openTempDir();
  const log = createMemoryAuditLog();
  const names = ["a", "b", "c", "d", "e", "f"];
  await log.append(
    names.map((name, index) => ({
      atMs: index,
      actor: name,
      action: "token.created",
      subject: `user:${name}`,
      decision: "allowed",
      detail: { label: `"${name}" ü` },
    })),
  );
  await log.erase("c");
  const entries = await log.read(0, 10);
  const file = path.join(dir.path, "audit.jsonl");
  await writeFile(file, linesOf(entries));
  const head = await log.head();
  return { file, entries, head, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

function linesOf(entries: readonly AuditEntry[]): string {
  return entries.map((entry) => `${toAuditLine(entry)}\n`).join("");
}
