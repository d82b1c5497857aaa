import type { BenchOptions } from "./options.ts";
import { type BenchResult, describeMachine } from "./report.ts";
import { measureColdStart } from "./sandbox/cold-start.ts";
import { measureKillLatency } from "./sandbox/kill-latency.ts";
import { measureNeighbours } from "./sandbox/neighbours.ts";
import { measurePolicyTime } from "./sandbox/policy-time.ts";
import { measureRecordingCost } from "./sandbox/recording-cost.ts";
import { toRow } from "./sandbox/sample.ts";
import { measureSpareMemory } from "./sandbox/spare-memory.ts";

const METHODS = [
  "deadline: wallMs 200, counted from the call, a spare process being ready; dead is a process none of whose threads /proc has, looked at every ms",
  "neighbours: one user's calls one after the other, 1.5 s blocks in three rounds, the block of the median p99; the storm is another user's guest, called again as soon as a limit ends it",
  "memory: smaps_rollup of four processes",
  "cold start: ten new programs for each engine; a second runtime of a program knows the layers of the host",
  "rights: means of 50 under the shipped policies; what is worked out for a skill is kept with it",
  "recording: the same calls in turns on two runtimes, callbacks that count; kv is served outside the sandbox process, the clock inside",
];

/** What the walls cost and how fast they close: about two minutes. */
export async function run({ scale }: BenchOptions): Promise<BenchResult> {
  const samples = [
    await measureColdStart(scale),
    await measureSpareMemory(scale),
    await measurePolicyTime(scale),
    await measureRecordingCost(scale),
    await measureKillLatency(scale),
    await measureNeighbours(scale),
  ];
  return {
    name: "sandbox",
    method: METHODS.join("; "),
    machine: describeMachine(),
    rows: samples.flat().map(toRow),
  };
}
