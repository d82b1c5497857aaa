import { getEventListeners } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createEchoSkill, ECHO } from "../../../bench/echo-skill.ts";
import { descendantsOf, isAlive } from "../../../bench/processes.ts";
import type { Kv } from "../../../runtime/broker/kv.ts";
import { openMemoryKv } from "../../../runtime/broker/memory-kv.ts";
import {
  type CallRecord,
  type HostCallRecord,
  type InvokeRequest,
  type InvokeResult,
  type JsonValue,
  openRuntime,
  type Runtime,
} from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { findCgroups } from "../../../runtime/supervisor/layers/cgroup.ts";
import { findHostPid } from "../../../runtime/supervisor/layers/spawn-in-layers.ts";
import { createRandom } from "../../support/seeded-random.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const SEED = 20_261_122;
const CALLS = 2_000;
const CALLERS = 24;
const MAX_PROCESSES = 4;
const CANCEL_SHARE = 0.03;
const CANCEL_WITHIN_MS = 20;
/** In calls, not in time: a busy machine is not given more to do. */
const KILL_EVERY = 50;
const POLICY_EVERY = 250;
const TIMEOUT_MS = 120_000;

/** What may come of any call here: processes are killed from outside, and calls wait in line. */
const MISHAPS = ["crashed", "queue-time", "concurrency", "quarantined"];

const limits = { wallMs: 2_000, memoryMiB: 16 };
const kv = { reason: "to test it" };
const SET = "await host.kv.set(input.key, input.value); return await host.kv.getText(input.key);";

interface Kind {
  readonly name: string;
  /** Of 100 calls. */
  readonly share: number;
  readonly toRequest: (number: number) => Pick<InvokeRequest, "skill" | "tool" | "input">;
  /** How the call may end besides by a mishap: with this output, or one of these errors. */
  readonly output?: (number: number) => JsonValue;
  readonly errors?: readonly string[];
}

const echo = { ...createEchoSkill("wasm"), trust: "community" as const };
const returns = (name: string) => createSkill({ name, body: "return input;", limits });
const writes = (name: string) => createSkill({ name, body: SET, limits, capabilities: { kv } });
const throws = createSkill({ name: "throws", body: 'throw new Error("No");', limits });
const SKILLS = {
  own: returns("returns"),
  shared: returns("shared-returns"),
  ownKv: writes("writes"),
  sharedKv: writes("shared-writes"),
};

const KINDS: readonly Kind[] = [
  {
    name: "wasm",
    share: 38,
    toRequest: (number) => ({ skill: echo, tool: ECHO.tool, input: { text: `${number}` } }),
    output: (number) => ({ text: `${number}` }),
  },
  toReturning("own", 20, SKILLS.own),
  toReturning("shared", 18, SKILLS.shared),
  toWriting("own kv", 9, SKILLS.ownKv),
  toWriting("shared kv", 9, SKILLS.sharedKv),
  {
    name: "throws",
    share: 4,
    toRequest: () => ({ skill: throws, tool: TOOL, input: {} }),
    errors: ["failed"],
  },
  toHostile("loops", { body: "for (;;);", wallMs: 150, errors: ["wall-time"] }),
  toHostile("hoards", {
    body: "const kept = []; for (;;) kept.push(new Array(1e5).fill(1));",
    // A busy machine may take as long until the memory is full.
    wallMs: 5_000,
    errors: ["memory", "wall-time"],
  }),
];

function toReturning(name: string, share: number, skill: InvokeRequest["skill"]): Kind {
  const toInput = (number: number) => ({ number, text: "x".repeat((number * 7919) % 60_000) });
  return {
    name,
    share,
    toRequest: (number) => ({ skill, tool: TOOL, input: toInput(number) }),
    output: toInput,
  };
}

function toWriting(name: string, share: number, skill: InvokeRequest["skill"]): Kind {
  return {
    name,
    share,
    toRequest: (number) => ({ skill, tool: TOOL, input: { key: `${number}`, value: `${number}` } }),
    output: (number) => `${number}`,
  };
}

interface Hostile {
  readonly body: string;
  readonly wallMs: number;
  readonly errors: readonly string[];
}

/** Each a skill of its own, so that quarantine leaves some to run. */
function toHostile(name: string, { body, wallMs, errors }: Hostile): Kind {
  const toSkill = (number: number) =>
    createSkill({ name, body: `${body} /* ${number} */`, limits: { ...limits, wallMs } });
  return {
    name,
    share: 1,
    toRequest: (number) => ({ skill: toSkill(number), tool: TOOL, input: {} }),
    errors,
  };
}

interface Ended {
  readonly number: number;
  readonly kind: Kind;
  readonly request: InvokeRequest;
  readonly isCancelled: boolean;
  readonly result: InvokeResult;
}

test("calls keep what they promise while guests misbehave, callers leave and processes are killed", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using policyDir = await openTempDir();
  await writePolicies(policyDir.path, 0);
  const before = { children: await descendantsOf(process.pid), handles: countHandles() };
  const store = openCountingKv();
  const told: CallRecord[] = [];
  const toldCalls = new Set<string>();
  const hostCalls = new Set<string>();
  const late: HostCallRecord[] = [];
  const runtime = await openRuntime({
    policyDir: policyDir.path,
    maxProcesses: MAX_PROCESSES,
    kv: store.kv,
    onCall: (record) => {
      told.push(record);
      toldCalls.add(record.callId);
    },
    onHostCall: (record) => {
      const key = `${record.callId} ${record.seq}`;
      if (toldCalls.has(record.callId) || hostCalls.has(key)) late.push(record);
      hostCalls.add(key);
    },
  });
  const { ended, mostProcesses, pids } = await callMany(runtime, policyDir.path);
  await runtime.close();

  expect(ended.map(findFault).filter((fault) => fault !== undefined)).toEqual([]);
  expect(told.map(({ callId, outcome }) => `${callId} ${outcome}`).toSorted()).toEqual(
    ended.map(({ number, result }) => `${number} ${outcomeOf(result)}`).toSorted(),
  );
  expect(late).toEqual([]);
  expect(store.findFaults(ended)).toEqual([]);
  expect(mostProcesses).toBeLessThanOrEqual(MAX_PROCESSES);
  // Without these nothing was put to the test.
  const outcomes = new Set(ended.map(({ result }) => outcomeOf(result)));
  for (const each of ["ok", "failed", "wall-time", "memory", "cancelled", "crashed"]) {
    expect(outcomes).toContain(each);
  }
  const alive = await Promise.all(pids.map(isAlive));
  expect(pids.filter((_, index) => alive[index])).toEqual([]);
  const children = await descendantsOf(process.pid);
  expect(children.filter((pid) => !before.children.includes(pid))).toEqual([]);
  await expect.poll(() => listControlGroups()).toEqual([]);
  await expect.poll(() => countHandles()).toBeLessThanOrEqual(before.handles);
});

async function callMany(runtime: Runtime, policyDir: string) {
  const random = createRandom(SEED);
  const ended: Ended[] = [];
  let next = 0;
  let mostProcesses = 0;
  const pids = new Set<number>();
  const caller = async () => {
    while (next < CALLS) {
      next += 1;
      const number = next;
      if (number % KILL_EVERY === 0) await killOne(runtime, random);
      if (number % POLICY_EVERY === 0) await writePolicies(policyDir, number);
      ended.push(await callOnce(runtime, number, random));
      const { processes } = runtime.stats();
      mostProcesses = Math.max(mostProcesses, processes.length);
      for (const { pid } of processes) pids.add(pid);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return { ended, mostProcesses, pids: [...pids] };
}

async function callOnce(runtime: Runtime, number: number, random: () => number): Promise<Ended> {
  const kind = chooseKind(random() * 100);
  const userId = random() < 0.5 ? "alice" : "bob";
  const request = { ...kind.toRequest(number), userId, callId: `${number}` };
  const controller = new AbortController();
  const isCancelled = random() < CANCEL_SHARE;
  const cancelMs = random() * CANCEL_WITHIN_MS;
  const timer = isCancelled ? setTimeout(() => controller.abort(), cancelMs) : undefined;
  const result = await runtime.invoke(request, controller.signal);
  clearTimeout(timer);
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  return { number, kind, request, isCancelled, result };
}

function chooseKind(percent: number): Kind {
  let upTo = 0;
  const found = KINDS.find(({ share }) => {
    upTo += share;
    return percent < upTo;
  });
  if (found === undefined) throw new RangeError(`Cannot choose at ${percent}: expected under 100`);
  return found;
}

/** Kills a sandbox process, as an operator or the system might: the launcher, or what it started. */
async function killOne(runtime: Runtime, random: () => number): Promise<void> {
  const { processes } = runtime.stats();
  const victim = processes[Math.floor(random() * processes.length)];
  if (victim !== undefined) kill(random() < 0.5 ? victim.pid : await findHostPid(victim.pid));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function findFault({ number, kind, isCancelled, result }: Ended): string | undefined {
  const outcome = outcomeOf(result);
  if (result.kind === "ok") {
    const isRight = JSON.stringify(result.output) === JSON.stringify(kind.output?.(number));
    return isRight ? undefined : `${number}: ${kind.name} gave another call's output`;
  }
  const allowed = [...MISHAPS, ...(kind.errors ?? []), ...(isCancelled ? ["cancelled"] : [])];
  return allowed.includes(outcome) ? undefined : `${number}: ${kind.name} ended as ${outcome}`;
}

function outcomeOf(result: InvokeResult): string {
  return result.kind === "ok" ? "ok" : result.error.code;
}

/** A store that takes a moment, and counts what was written. */
function openCountingKv() {
  const memory = openMemoryKv();
  const written: string[] = [];
  const counting: Kv = {
    ...memory,
    set: async (space, entry, quota) => {
      await nextTurn();
      written.push(
        `${space.skill} ${space.userId} ${entry.key}=${Buffer.from(entry.value).toString()}`,
      );
      return memory.set(space, entry, quota);
    },
  };
  const findFaults = (ended: readonly Ended[]) => {
    const writing = ended.filter(({ request }) => request.skill.capabilities.kv === kv);
    const toEntry = ({ number, request }: Ended) =>
      `${request.skill.name} ${request.userId} ${number}=${number}`;
    const wanted = new Set(writing.map(toEntry));
    const once = new Set(written);
    return [
      ...written
        .filter((entry, index) => written.indexOf(entry) !== index)
        .map((e) => `twice: ${e}`),
      ...written.filter((entry) => !wanted.has(entry)).map((entry) => `unasked: ${entry}`),
      ...writing
        .filter((each) => each.result.kind === "ok" && !once.has(toEntry(each)))
        .map((each) => `lost: ${toEntry(each)}`),
    ];
  };
  return { kv: counting, findFaults };
}

/** Small limits; two that share processes by user, and all others apart. Each version differs. */
async function writePolicies(dir: string, version: number): Promise<void> {
  await Promise.all([
    writeFile(path.join(dir, "default.yaml"), toPolicy("default", "*", "separate", version)),
    writeFile(
      path.join(dir, "shared.yaml"),
      toPolicy("shared", 'shared-returns", "shared-writes', "shared", version),
    ),
  ]);
}

function toPolicy(name: string, skills: string, users: string, version: number): string {
  return `apiVersion: nexflow.dev/sandbox/v1
kind: SandboxPolicy
metadata: { name: ${name}, priority: ${name === "default" ? 0 : 10} }
match: { trust: [first-party, verified, community], skills: ["${skills}"] }
mode: enforce
ceiling:
  wallMs: 2000
  cpuMs: ${2_000 + version}
  memoryMiB: 64
  outputKiB: 256
  logKiB: 4
  hostCalls: { total: 20, perSecond: 20, atOnce: 4 }
  concurrency: { perSkill: 16, perUser: 16 }
  queueMs: 10000
grants:
  log: true
  kv: { maxKiB: 1024, maxKeys: 10000 }
isolation: { users: ${users} }
record: hashes
`;
}

async function listControlGroups(): Promise<readonly string[]> {
  const found = await findCgroups();
  if ("reason" in found) return [];
  const names = await readdir(found.memoryDir);
  return names.filter((name) => name.startsWith(`nexflow-${process.pid}-`));
}

/** Of processes and pipes; timers and files belong to others too. */
function countHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => /process|pipe/iu.test(name)).length;
}
