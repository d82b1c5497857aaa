import { readFileSync } from "node:fs";
import { test as baseTest, vi } from "vitest";
import { CallBroker } from "../../../runtime/broker/call-broker.ts";
import type { JsonValue } from "../../../runtime/index.ts";
import { toEffectivePolicy } from "../../../runtime/policy/effective-policy.ts";
import { readPolicies } from "../../../runtime/policy/read-policies.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { findHostPid } from "../../../runtime/supervisor/layers/spawn-in-layers.ts";
import { type PoolEnd, ProcessPool } from "../../../runtime/supervisor/process-pool.ts";
import { toProcessCall } from "../../../runtime/supervisor/to-process-call.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

const policies = await readPolicies(POLICY_DIR);
const loopsOnDemand = createSkill({
  body: "while (input.loops); return input.number ?? 0;",
  limits: { wallMs: 2_000 },
});

const loopsForLong = createSkill({
  body: "while (input.loops); return input.number ?? 0;",
  limits: { wallMs: 4_000 },
});

interface Fixtures {
  readonly pool: ProcessPool;
  readonly max: number;
}

const test = baseTest.extend<Fixtures>({
  max: 1,
  pool: async ({ max }, use) => {
    const pool = new ProcessPool({ min: 1, max, onNotice: () => undefined, shortMs: 1_000 });
    await pool.open();
    await use(pool);
    await pool.close();
  },
});

interface Options {
  readonly cordon?: string;
  readonly skill?: ReturnType<typeof createSkill>;
  readonly queueMs?: number;
  readonly signal?: AbortSignal;
}

function run(pool: ProcessPool, input: JsonValue, options: Options = {}): Promise<PoolEnd> {
  const { cordon = "alice", skill = loopsOnDemand, queueMs = 10_000, signal } = options;
  const policy = toEffectivePolicy(policies, skill);
  if (policy.kind === "denied") throw new Error(policy.message);
  const request = { skill, tool: TOOL, input, userId: cordon };
  const broker = new CallBroker({ callId: "c", skill, userId: cordon, policy }, { services: {} });
  const planned = { request, policy, input: JSON.stringify(input), seed: "00", startMs: 0 };
  return pool.run({ cordon, queueMs, call: toProcessCall(planned, broker) }, signal);
}

/** Makes it known that calls of the skill are short. */
async function teachPace(pool: ProcessPool): Promise<void> {
  for (let call = 0; call < 5; call += 1) await run(pool, {});
}

function outputOf(end: PoolEnd): string {
  return end.kind === "result" ? end.body.toString() : end.kind;
}

test("ProcessPool keeps many short calls in the pipe of one process, in order", async ({
  pool,
  expect,
}) => {
  await teachPace(pool);
  const numbers = Array.from({ length: 50 }, (_, number) => number);
  const ends = await Promise.all(numbers.map((number) => run(pool, { number })));
  expect(ends.map(outputOf)).toEqual(numbers.map(String));
  expect(pool.starts).toBe(1);
});

test("ProcessPool runs what waited behind a killed call in another process", async ({
  pool,
  expect,
}) => {
  await teachPace(pool);
  const looping = run(pool, { loops: true });
  const others = [1, 2, 3, 4].map((number) => run(pool, { number }));
  expect(await looping).toMatchObject({ kind: "killed", reason: "wall-time" });
  expect((await Promise.all(others)).map(outputOf)).toEqual(["1", "2", "3", "4"]);
});

test.extend({ max: 2 })(
  "ProcessPool takes calls away from behind one that turns out long",
  async ({ pool, expect }) => {
    await teachPace(pool);
    await expect.poll(() => pool.list(), { timeout: 20_000 }).toHaveLength(2);
    let isOver = false;
    const looping = run(pool, { loops: true }, { skill: loopsForLong }).finally(() => {
      isOver = true;
    });
    const others = [1, 2, 3, 4].map((number) => run(pool, { number }, { skill: loopsForLong }));
    expect((await Promise.all(others)).map(outputOf)).toEqual(["1", "2", "3", "4"]);
    expect(isOver).toBe(false);
    expect(await looping).toMatchObject({ kind: "killed" });
  },
);

test("ProcessPool ends a call that is cancelled in the pipe and lets its neighbours be", async ({
  pool,
  expect,
}) => {
  await teachPace(pool);
  const controller = new AbortController();
  const first = run(pool, { number: 1 });
  const cancelled = run(pool, { loops: true }, { signal: controller.signal });
  const last = run(pool, { number: 3 });
  controller.abort();
  expect(await cancelled).toMatchObject({ kind: "cancelled" });
  expect(outputOf(await first)).toBe("1");
  expect(outputOf(await last)).toBe("3");
});

test.extend({ max: 3 })(
  "ProcessPool gives no cordon a process that another one used",
  async ({ pool, expect }) => {
    const cordons = ["alice", "bob", "alice", "carol", "bob", "dave", "alice"];
    const ends: PoolEnd[] = [];
    for (const cordon of cordons) ends.push(await run(pool, {}, { cordon }));
    const users = new Map<number, Set<string>>();
    ends.forEach((end, index) => {
      if (!("pid" in end)) return;
      const known = users.get(end.pid) ?? new Set();
      users.set(end.pid, known.add(cordons[index] ?? ""));
    });
    expect(ends.map(({ kind }) => kind)).toEqual(cordons.map(() => "result"));
    expect([...users.values()].map(({ size }) => size)).toEqual([...users].map(() => 1));
  },
);

test("ProcessPool refuses a call that waited for its queue time", async ({ pool, expect }) => {
  const looping = run(pool, { loops: true });
  const waiting = await run(pool, {}, { cordon: "bob", queueMs: 50 });
  expect(waiting).toMatchObject({ kind: "queue-time" });
  expect(await looping).toMatchObject({ kind: "killed" });
});

test.extend({ max: 2 })(
  "ProcessPool has a blank process to spare when a call takes one",
  async ({ pool, expect }) => {
    await run(pool, {});
    await expect
      .poll(() => pool.list().map(({ state }) => state), { timeout: 20_000 })
      .toEqual(["idle", "spare"]);
  },
);

test("ProcessPool does not begin a call whose signal is aborted", async ({ pool, expect }) => {
  expect(await run(pool, {}, { signal: AbortSignal.abort() })).toMatchObject({ kind: "cancelled" });
  expect(pool.list()).toMatchObject([{ calls: 0 }]);
});

test.extend({ max: 3 })(
  "ProcessPool takes one process, not several, from others for one call that waits",
  async ({ pool, expect }) => {
    for (const cordon of ["alice", "bob", "carol"]) await run(pool, {}, { cordon });
    const startsBefore = pool.starts;
    let isOver = false;
    const waiting = run(pool, {}, { cordon: "dave" }).finally(() => {
      isOver = true;
    });
    // oxlint-disable-next-line no-unmodified-loop-condition -- until the call that waits is over
    while (!isOver) await run(pool, {}, { cordon: "carol" });
    expect(await waiting).toMatchObject({ kind: "result" });
    expect(pool.list().map(({ cordon }) => cordon)).toEqual(["bob", "carol", "dave"]);
    expect(pool.starts).toBe(startsBefore + 1);
  },
);

test("ProcessPool serves a call that waits although another user's never cease", async ({
  pool,
  expect,
}) => {
  await teachPace(pool);
  let isOver = false;
  const keepCalling = async () => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- until the call that waits is over
    while (!isOver) await run(pool, {});
  };
  const callers = Array.from({ length: 30 }, keepCalling);
  const waiting = await run(pool, {}, { cordon: "bob" }).finally(() => {
    isOver = true;
  });
  expect(waiting).toMatchObject({ kind: "result" });
  await Promise.all(callers);
});

test("ProcessPool replaces a process that grew old while it had nothing to do", async ({
  pool,
  expect,
  onTestFinished,
}) => {
  await run(pool, {});
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(2 * 60 * 60_000);
  expect(await run(pool, {})).toMatchObject({ kind: "result" });
  expect(pool.starts).toBe(2);
});

test("ProcessPool runs a call elsewhere that a dead process cannot have read", async ({
  pool,
  expect,
}) => {
  await run(pool, {});
  const [{ pid } = { pid: 0 }] = pool.list();
  const hostPid = await findHostPid(pid);
  process.kill(hostPid, "SIGKILL");
  // The pool is not told before this returns.
  while (isRunning(hostPid) || isRunning(pid));
  expect(await run(pool, { number: 7 })).toMatchObject({ kind: "result" });
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/mu.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
