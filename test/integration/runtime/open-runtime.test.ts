import { test as baseTest, describe } from "vitest";
import {
  type HostCallRecord,
  openRuntime,
  PolicyError,
  probeProtections,
  type Runtime,
  type RuntimeNotice,
  type SkillLog,
} from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { encodeModule, wasm } from "../../../runtime/proof/encode-module.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";
import { medianOf } from "../../support/timings.ts";

interface Seen {
  readonly hostCalls: HostCallRecord[];
  readonly logs: SkillLog[];
  readonly notices: RuntimeNotice[];
}

const test = baseTest.extend<{ seen: Seen; runtime: Runtime }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  seen: async ({}, use) => use({ hostCalls: [], logs: [], notices: [] }),
  runtime: async ({ seen }, use) => {
    await using runtime = await openRuntime({
      policyDir: POLICY_DIR,
      onHostCall: (record) => seen.hostCalls.push(record),
      onLog: (entry) => seen.logs.push(entry),
      onNotice: (notice) => seen.notices.push(notice),
    });
    await use(runtime);
  },
});

const call = { tool: TOOL, input: {}, userId: "alice" };

describe("openRuntime()", () => {
  test("runs many calls of both engines side by side", async ({ runtime, expect }) => {
    const echo = createSkill({ name: "echo", body: "return { echo: input.number };" });
    const silent = createSkill({
      name: "silent",
      wasm: encodeModule({ functions: { try_it: wasm.i32(0) } }),
    });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, number) =>
        runtime.invoke({ ...call, skill: number % 2 === 0 ? echo : silent, input: { number } }),
      ),
    );
    const outputs = results.map((result) => (result.kind === "ok" ? result.output : result.error));
    expect(outputs).toEqual(
      Array.from({ length: 200 }, (_, number) => (number % 2 === 0 ? { echo: number } : null)),
    );
    const { processes, queued, calls, errors } = runtime.stats();
    expect({ processes: processes.length <= 8, queued, calls, errors }).toEqual({
      processes: true,
      queued: 0,
      calls: 200,
      errors: 0,
    });
  });

  test("records every host call with what decided", async ({ runtime, seen, expect }) => {
    const skill = createSkill({
      body: 'host.log("hello"); host.now(); try { host.random(); } catch {} return host.now() > 1e12;',
      capabilities: { clock: { reason: "to tell the time" } },
    });
    const result = await runtime.invoke({ ...call, skill, callId: "call-1" });
    expect(result).toMatchObject({ kind: "ok", output: true });
    expect(seen.logs).toEqual([{ callId: "call-1", skillDigest: skill.digest, text: "hello" }]);
    const about = { callId: "call-1", skillDigest: skill.digest, policyHash: result.policyHash };
    expect(seen.hostCalls).toMatchObject([
      {
        ...about,
        seq: 1,
        name: "log",
        decision: "allowed",
        rule: expect.stringMatching(/^default\.yaml:\d+: grants\.log$/u),
      },
      {
        ...about,
        seq: 2,
        name: "now",
        decision: "allowed",
        rule: expect.stringMatching(/^default\.yaml:\d+: grants\.clock$/u),
      },
      {
        ...about,
        seq: 3,
        name: "random",
        decision: "denied",
        rule: "manifest: capabilities.random",
      },
      {
        ...about,
        seq: 4,
        name: "now",
        decision: "allowed",
        rule: expect.stringMatching(/^default\.yaml:\d+: grants\.clock$/u),
      },
    ]);
  });

  test("records what a killed guest asked of its host, and what it logged", async ({
    runtime,
    seen,
    expect,
  }) => {
    const skill = createSkill({
      body: 'host.now(); host.log("last words"); Math.random(); for (;;);',
      limits: { wallMs: 2_000 },
    });
    const result = await runtime.invoke({ ...call, skill });
    expect(result).toMatchObject({ kind: "error", error: { code: "wall-time" } });
    const names = seen.hostCalls.toSorted((one, other) => one.seq - other.seq);
    expect(names.map(({ seq, name }) => [seq, name])).toEqual([
      [1, "now"],
      [2, "log"],
      [3, "random"],
    ]);
    expect(seen.logs).toMatchObject([{ text: "last words" }]);
  });

  test("denies, with an error for the guest and a record, what is not granted", async ({
    runtime,
    seen,
    expect,
  }) => {
    const body = 'return host.kv.get("a").catch((error) => error.message);';
    const result = await runtime.invoke({ ...call, skill: createSkill({ body }) });
    expect(result).toMatchObject({ kind: "ok", output: expect.stringContaining("not granted") });
    expect(seen.hostCalls).toMatchObject([{ seq: 1, name: "kv-get", decision: "denied" }]);
  });

  test("ends a guest that catches a limit and goes on, with that limit's error", async ({
    runtime,
    seen,
    expect,
  }) => {
    const skill = createSkill({
      body: 'for (;;) { try { host.log("x"); } catch {} }',
      limits: { hostCalls: 10, wallMs: 5_000 },
    });
    const result = await runtime.invoke({ ...call, skill });
    expect(result).toMatchObject({ kind: "error", error: { code: "host-calls", limit: 10 } });
    expect(result.usage.wallMs).toBeLessThan(5_000);
    expect(seen.notices).toMatchObject([{ kind: "process-killed", reason: "halted" }]);
    expect(seen.logs).toHaveLength(10);
  });

  test("answers clock and dice from what a replay gives", async ({ runtime, expect }) => {
    const skill = createSkill({ body: "return [host.now(), Math.random(), Math.random()];" });
    const replay = { seed: "5eed", startMs: 1_000_000_000_000 };
    const [one, other] = [
      await runtime.invoke({ ...call, skill, replay }),
      await runtime.invoke({ ...call, skill, replay }),
    ];
    if (one.kind !== "ok" || other.kind !== "ok") throw new Error("The calls failed");
    const [[now, ...dice], [, ...again]] = [one.output, other.output] as [number[], number[]];
    expect(dice).toEqual(again);
    expect(now).toBeGreaterThanOrEqual(1_000_000_000_000);
    expect(now).toBeLessThan(1_000_000_060_000);
  });

  test("holds input and output to the tool's schemas", async ({ runtime, expect }) => {
    const inputSchema = {
      type: "object",
      properties: { text: { type: "string" } },
      required: ["text"],
      additionalProperties: false,
    };
    const skill = createSkill({
      body: 'return input.text === "number" ? 1 : input.text;',
      inputSchema,
      outputSchema: { type: "string" },
    });
    const outcomes = await Promise.all(
      [{ text: "fine" }, { text: "number" }, { text: 1 }, { text: "a", more: 1 }, {}].map((input) =>
        runtime.invoke({ ...call, skill, input }),
      ),
    );
    expect(outcomes.map((each) => (each.kind === "ok" ? each.output : each.error.code))).toEqual([
      "fine",
      "invalid-output",
      "invalid-input",
      "invalid-input",
      "invalid-input",
    ]);
  });

  test("refuses input that is too deep or too large before any process sees it", async ({
    runtime,
    expect,
  }) => {
    const skill = createSkill({});
    const deep = Array.from({ length: 5_000 }).reduce<object>((inner) => ({ inner }), {});
    const inputs = [deep as Record<string, never>, { text: "x".repeat(2_000_000) }];
    const results = await Promise.all(
      inputs.map((input) => runtime.invoke({ ...call, skill, input })),
    );
    expect(results).toMatchObject([
      { kind: "error", error: { code: "invalid-input" } },
      { kind: "error", error: { code: "invalid-input", rule: "platform: input size" } },
    ]);
    expect(runtime.stats().processes.map(({ calls }) => calls)).toEqual([0, 0]);
  });

  test("names the tools it has when asked for another one", async ({ runtime, expect }) => {
    const result = await runtime.invoke({ ...call, skill: createSkill({}), tool: "other" });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "invalid-input", message: 'The skill has no tool "other", only try-it' },
    });
  });

  test("ends a running call at its signal, long before its deadline, and its process", async ({
    runtime,
    seen,
    expect,
  }) => {
    const killed = { kind: "process-killed", reason: "cancelled" };
    const tookMs = await medianOf(3, async () => {
      const controller = new AbortController();
      const running = runtime.invoke(
        { ...call, skill: createSkill({ body: "for (;;);" }) },
        controller.signal,
      );
      await expect
        .poll(() => runtime.stats().processes.some(({ state }) => state === "busy"))
        .toBe(true);
      const abortedMs = performance.now();
      controller.abort();
      expect(await running).toMatchObject({ kind: "error", error: { code: "cancelled" } });
      return performance.now() - abortedMs;
    });
    // The wall limit is 5 s; how soon it is on a quiet machine is a matter for a benchmark.
    expect(tookMs).toBeLessThan(1_000);
    expect(seen.notices).toMatchObject([killed, killed, killed]);
  });

  test("cancels a call that waits for a process, at once", async ({ runtime, expect }) => {
    const skill = createSkill({ body: "for (;;);", limits: { wallMs: 2_000 } });
    const busy = Array.from({ length: 4 }, () => runtime.invoke({ ...call, skill }));
    const controller = new AbortController();
    const waiting = runtime.invoke({ ...call, skill: createSkill({}) }, controller.signal);
    await expect.poll(() => runtime.stats().queued).toBeGreaterThan(0);
    controller.abort();
    expect(await waiting).toMatchObject({ kind: "error", error: { code: "cancelled" } });
    expect(await Promise.all(busy)).toHaveLength(4);
  });

  test("does not begin a call whose signal is aborted", async ({ runtime, expect }) => {
    const skill = createSkill({ body: "for (;;);" });
    const starting = runtime.invoke({ ...call, skill }, AbortSignal.abort());
    expect(await starting).toMatchObject({ kind: "error", error: { code: "cancelled" } });
    expect(runtime.stats().processes).toMatchObject([
      { calls: 0, state: "spare" },
      { calls: 0, state: "spare" },
    ]);
  });

  test("loses no process to a call that is cancelled as one becomes free", async ({ expect }) => {
    const controller = new AbortController();
    await using runtime = await openRuntime({
      policyDir: POLICY_DIR,
      minProcesses: 1,
      maxProcesses: 1,
      // Told between the end of a call and the release of its process.
      onLog: () => controller.abort(),
    });
    const logging = runtime.invoke({ ...call, skill: createSkill({ body: 'host.log("");' }) });
    const skill = createSkill({});
    const waiting = runtime.invoke({ ...call, skill }, controller.signal);
    expect(await logging).toMatchObject({ kind: "ok" });
    expect(await waiting).toMatchObject({ kind: "error", error: { code: "cancelled" } });
    expect(await runtime.invoke({ ...call, skill })).toMatchObject({ kind: "ok" });
  });

  test("leaves no process alive when closed in the middle of calls", async ({ expect }) => {
    const runtime = await openRuntime({ policyDir: POLICY_DIR, maxProcesses: 2 });
    const running = runtime.invoke({ ...call, skill: createSkill({ body: "for (;;);" }) });
    const pids = runtime.stats().processes.map(({ pid }) => pid);
    await runtime.close();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await running).toMatchObject({ kind: "error", error: { code: "cancelled" } });
    const late = await runtime.invoke({ ...call, skill: createSkill({}) });
    expect(late).toMatchObject({ kind: "error", error: { code: "cancelled" } });
  });

  test("has told of every call when it is closed", async ({ expect }) => {
    const told: string[] = [];
    const runtime = await openRuntime({
      policyDir: POLICY_DIR,
      maxProcesses: 2,
      onCall: ({ outcome }) => told.push(outcome),
    });
    const skill = createSkill({ body: "for (;;);" });
    const running = Array.from({ length: 8 }, () => runtime.invoke({ ...call, skill }));
    await expect
      .poll(() => runtime.stats().processes.some(({ state }) => state === "busy"))
      .toBe(true);
    await runtime.close();
    expect(told).toEqual(running.map(() => "cancelled"));
    await Promise.all(running);
  });

  test("rejects when the policies cannot be read", async ({ expect }) => {
    await expect(openRuntime({ policyDir: "/nowhere" })).rejects.toThrow(PolicyError);
  });
});

test("probeProtections() finds in force what the engine itself can hold", async ({ expect }) => {
  const protections = await probeProtections();
  const inForce = protections.filter(({ isInForce }) => isInForce).map(({ name }) => name);
  expect(inForce).toEqual(
    expect.arrayContaining([
      "no-files",
      "no-programs",
      "kill-at-deadline",
      "no-code-from-strings",
      "empty-environment",
      "wasm-memory-cap",
      "wasm-table-cap",
    ]),
  );
  const missing = protections.filter(({ isInForce }) => !isInForce);
  expect(missing.filter(({ remedy }) => remedy === undefined)).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
