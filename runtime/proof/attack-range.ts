import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { InvokeResult } from "../invoke.ts";
import type { JsonValue } from "../protocol.ts";
import type {
  CallRecord,
  HostCallRecord,
  Runtime,
  RuntimeNotice,
  RuntimeOptions,
  SkillLog,
} from "../runtime.ts";
import { openRuntime } from "../supervisor/open-runtime.ts";
import type { Attack, AttackCall, AttackGroup, AttackOutcome } from "./attack.ts";
import { createSkill, TOOL } from "./create-skill.ts";
import { judgeCall, toOutcome } from "./judge-call.ts";
import { callNeighbours } from "./neighbours.ts";
import { openProofNetwork, type ProofNetwork } from "./network/proof-network.ts";
import { ProofError } from "./proof-error.ts";

/** What came of one attack. Held means: no faults. */
export interface ProofResult {
  readonly group: AttackGroup;
  readonly name: string;
  readonly about: string;
  readonly source: string | undefined;
  readonly expected: readonly AttackOutcome[];
  /** How its calls ended, each kind once. */
  readonly outcomes: readonly AttackOutcome[];
  /** The end of the last call in words. */
  readonly detail: string;
  /** What makes it a breach. */
  readonly faults: readonly string[];
  readonly ms: number;
}

/** What attacks ask for where they say nothing else, so that they end in time under any policy. */
const LIMITS = {
  wallMs: 5_000,
  cpuMs: 5_000,
  memoryMiB: 64,
  outputKiB: 256,
  logKiB: 64,
  hostCalls: 200,
};
const NEIGHBOUR_PAUSE_MS = 2;
const NEIGHBOURS_AFTER = [3, 4, 5, 6];

/** A runtime that attacks are run against while innocent skills work beside them. */
export class AttackRange implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #evidence: Evidence;
  readonly #network: ProofNetwork | undefined;

  private constructor(runtime: Runtime, evidence: Evidence, network: ProofNetwork | undefined) {
    this.#runtime = runtime;
    this.#evidence = evidence;
    this.#network = network;
  }

  /** Rejects as `openRuntime` does, and with `ProofError`. */
  static open(options: RuntimeOptions): Promise<AttackRange> {
    return AttackRange.#open(options, undefined);
  }

  /** For attacks of the group "network", under the proof's own policy. */
  static async openOnNetwork(options: Omit<RuntimeOptions, "policyDir">): Promise<AttackRange> {
    const network = await openProofNetwork();
    try {
      return await AttackRange.#open({ ...options, ...network.options }, network);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #open(
    options: RuntimeOptions,
    network: ProofNetwork | undefined,
  ): Promise<AttackRange> {
    const evidence = new Evidence();
    const runtime = await openRuntime({ ...options, ...evidence.listeners });
    const range = new AttackRange(runtime, evidence, network);
    const [fault] = await callNeighbours(runtime, 0);
    if (fault === undefined) return range;
    await runtime.close();
    throw new ProofError(`Cannot prove the sandbox: before any attack ${fault}`);
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  /** Runs `attack` while neighbours work; they are called during it and after it. */
  async prove(attack: Attack): Promise<ProofResult> {
    this.#evidence.clear();
    this.#network?.clear();
    const startedMs = performance.now();
    const before = await callNeighbours(this.#runtime, 1);
    let isOver = false;
    const attacking = this.#attack(attack).finally(() => {
      isOver = true;
    });
    const during: string[] = [];
    const working = async () => {
      do {
        during.push(...(await callNeighbours(this.#runtime, 2)));
        await sleep(NEIGHBOUR_PAUSE_MS);
        // oxlint-disable-next-line no-unmodified-loop-condition -- until the attack is over
      } while (!isOver);
    };
    const [calls] = await Promise.all([attacking, working()]);
    const after: string[][] = [];
    for (const number of NEIGHBOURS_AFTER) {
      after.push(await callNeighbours(this.#runtime, number));
    }
    const faults = [
      ...calls.flatMap(({ faults: each }) => each),
      ...[...before, ...during, ...after.flat()].map((each) => `beside it, ${each}`),
      ...this.#evidence.survivors().map((pid) => `process ${pid} outlived its kill`),
    ];
    const { group, name, about, source, expect } = attack;
    return {
      group,
      name,
      about,
      source,
      expected: expect,
      outcomes: [...new Set(calls.map(({ result }) => toOutcome(result)))],
      detail: toDetail(calls.at(-1)?.result),
      faults: [...new Set(faults)],
      ms: performance.now() - startedMs,
    };
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    await this.#network?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #attack(attack: Attack): Promise<readonly JudgedCall[]> {
    const own = typeof attack.skill === "function" ? attack.skill() : attack.skill;
    const limits = { ...LIMITS, ...own.limits };
    const { capabilities } = this.#network ?? {};
    const parts = {
      name: attack.name,
      ...(capabilities === undefined ? {} : { capabilities }),
      ...own,
      limits,
    };
    const skill = createSkill(parts);
    const calls = attack.calls ?? [{}];
    const judged: JudgedCall[] = [];
    const { visits = [], secret, fill = (input: JsonValue) => input } = this.#network ?? {};
    const run = async ({ userId = "mallory", input = {} }: AttackCall, index: number) => {
      const callId = randomUUID();
      const request = { skill, tool: TOOL, input: fill(input), userId, callId };
      const result = await this.#runtime.invoke(request);
      const earlier = judged.map(({ result: each }) => each);
      const seen = this.#evidence.of(callId);
      const about = { index, result, earlier, visits, secret, ...seen };
      judged.push({ result, faults: judgeCall({ ...attack, skill: parts }, about) });
    };
    if (attack.isStorm === true) await Promise.all(calls.map(run));
    else for (const [index, call] of calls.entries()) await run(call, index);
    return judged;
  }
}

interface JudgedCall {
  readonly result: InvokeResult;
  readonly faults: readonly string[];
}

/** What the runtime told while an attack ran. */
class Evidence {
  readonly #calls = new Map<string, CallRecord>();
  readonly #hostCalls: HostCallRecord[] = [];
  readonly #logs: SkillLog[] = [];
  readonly #gone = new Set<number>();

  get listeners() {
    return {
      onCall: (record: CallRecord) => void this.#calls.set(record.callId, record),
      onHostCall: (record: HostCallRecord) => void this.#hostCalls.push(record),
      onLog: (entry: SkillLog) => void this.#logs.push(entry),
      onNotice: (notice: RuntimeNotice) => {
        if ("pid" in notice) this.#gone.add(notice.pid);
      },
    };
  }

  of(callId: string) {
    return {
      record: this.#calls.get(callId),
      // The sandbox process tells of those it answered itself when the call ends.
      hostCalls: this.#hostCalls
        .filter((each) => each.callId === callId)
        .toSorted((one, other) => one.seq - other.seq),
      logs: this.#logs.filter((each) => each.callId === callId).map(({ text }) => text),
    };
  }

  /** Processes that a call cost and that are there all the same. */
  survivors(): readonly number[] {
    return [...this.#gone].filter(isAlive);
  }

  clear(): void {
    this.#calls.clear();
    this.#hostCalls.length = 0;
    this.#logs.length = 0;
    this.#gone.clear();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const MAX_DETAIL_CHARS = 200;

function toDetail(result: InvokeResult | undefined): string {
  if (result === undefined) return "";
  const text = result.kind === "ok" ? toShort(result.output) : result.error.message;
  return text.slice(0, MAX_DETAIL_CHARS);
}

function toShort(output: JsonValue): string {
  return JSON.stringify(output).slice(0, MAX_DETAIL_CHARS);
}
