import { describe, test } from "vitest";
import { parseUserId } from "#domain/shared/id.ts";
import { CallRecorder } from "#infrastructure/store/call-recorder.ts";
import { skillCallToArgs } from "#infrastructure/store/call-rows.ts";
import { readCalls } from "#infrastructure/store/local-store.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import type { ListCalls } from "#infrastructure/store/scripts/list-calls.ts";
import { callRecord, hostCallRecord } from "../../support/call-records.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const silent = () => undefined;
const SILENT = { error: silent, warn: silent, info: silent, debug: silent };
const ADA = { id: parseUserId("ada"), name: "Ada", role: "member", createdAtMs: 0 } as const;
const ALL: ListCalls = { skill: undefined, isDenied: false, limit: 1_000 };

describe("CallRecorder on SQLite", () => {
  test("what was saved is on record after the store was closed", async ({ expect }) => {
    await using dir = await openTempDir();
    const record = hostCallRecord({ decision: "denied", args: { url: "https://x.test" } });
    {
      await using opened = await openRecorder(dir.path);
      opened.recorder.addHostCall({ skill: "notes", record });
      opened.recorder.addCall(callRecord({ outcome: "quarantined", rule: "platform: kills" }));
      await opened.stored();
    }
    const { skill, usage, ...facts } = callRecord();
    expect(await readCalls({ homeDir: dir.path, databaseUrl: undefined }, ALL)).toEqual([
      {
        ...hostCallRecord({ decision: "denied" }),
        kind: "host-call",
        skill: "notes",
        recordedAtMs: 1,
        argsJson: '{"url":"https://x.test"}',
        resultJson: undefined,
      },
      {
        ...facts,
        ...usage,
        kind: "call",
        skill: skill.name,
        version: skill.version,
        skillDigest: skill.digest,
        outcome: "quarantined",
        rule: "platform: kills",
        recordedAtMs: 2,
      },
    ]);
  });

  test("readCalls() finds a skill's records, and what was denied or would have been", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    await using opened = await openRecorder(dir.path);
    for (const decision of ["allowed", "denied", "audited"] as const) {
      const record = hostCallRecord({ decision });
      opened.recorder.addHostCall({ skill: "notes", record });
    }
    opened.recorder.addHostCall({ skill: "other", record: hostCallRecord({ decision: "denied" }) });
    opened.recorder.addCall(callRecord());
    opened.recorder.addCall(callRecord({ outcome: "denied", rule: "no policy" }));
    await opened.stored();
    const found = async (query: Partial<ListCalls>) => {
      const address = { homeDir: dir.path, databaseUrl: undefined };
      const calls = (await readCalls(address, { ...ALL, ...query })) ?? [];
      return calls.map((call) => [call.skill, call.kind === "call" ? call.outcome : call.decision]);
    };
    expect(await found({ isDenied: true })).toEqual([
      ["notes", "denied"],
      ["notes", "audited"],
      ["other", "denied"],
      ["notes", "denied"],
    ]);
    expect(await found({ skill: "other" })).toEqual([["other", "denied"]]);
    expect(await found({ limit: 2 })).toEqual([
      ["notes", "ok"],
      ["notes", "denied"],
    ]);
    expect(await found({ skill: "unknown" })).toEqual([]);
  });

  test("keeps the newest records of each kind", async ({ expect }) => {
    await using dir = await openTempDir();
    await using opened = await openRecorder(dir.path, 10);
    for (let index = 0; index < 25; index++) {
      opened.recorder.addCall(callRecord({ callId: `call-${index}` }));
      if (index % 4 === 0) await opened.stored();
    }
    opened.recorder.addHostCall({ skill: "notes", record: hostCallRecord() });
    await opened.stored();
    const kept = (await readCalls({ homeDir: dir.path, databaseUrl: undefined }, ALL)) ?? [];
    expect(kept.filter(({ kind }) => kind === "host-call")).toHaveLength(1);
    const ids = kept.flatMap(({ kind, callId }) => (kind === "call" ? [callId] : []));
    expect(ids).toEqual(Array.from({ length: 10 }, (_, index) => `call-${index + 15}`));
  });
});

test("a bound that was lowered is reached a piece at a time", async ({ expect }) => {
  await using dir = await openTempDir();
  await using store = await openStore(dir.path);
  await store.writer.call("addUser", ADA);
  const row = skillCallToArgs(callRecord(), 1);
  const record = (count: number, maxRows: number) =>
    store.writer.call("recordCalls", {
      skillCalls: Array.from({ length: count }, () => row),
      hostCalls: [],
      maxRows,
    });
  const address = { homeDir: dir.path, databaseUrl: undefined };
  const kept = async () => (await readCalls(address, { ...ALL, limit: 10_000 }))?.length;
  await record(2_500, 5_000);
  expect(await kept()).toBe(2_500);
  await record(1, 10);
  expect(await kept()).toBe(501);
  await record(1, 10);
  expect(await kept()).toBe(10);
});

test("readCalls() gives nothing where there is no database", async ({ expect }) => {
  await using dir = await openTempDir();
  expect(await readCalls({ homeDir: dir.path, databaseUrl: undefined }, ALL)).toBeUndefined();
});

async function openRecorder(homeDir: string, maxRows = 1_000) {
  const store = await openStore(homeDir);
  await store.writer.call("addUser", ADA);
  const saves: Promise<void>[] = [];
  let now = 0;
  const recorder = new CallRecorder({
    save: (batch) => {
      const saved = store.writer.call("recordCalls", batch);
      saves.push(saved);
      return saved;
    },
    nowMs: () => ++now,
    log: SILENT,
    maxRows,
  });
  return {
    recorder,
    stored: async () => {
      recorder.flush();
      await Promise.all(saves);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
