import type { SkillCode } from "../../runtime/index.ts";
import { createBenchSkill } from "../echo-skill.ts";
import { openBenchRuntime, timeCall } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const ROUNDS = 6;
const CALLS = 250;
/** What the guest asks of its host before it answers. */
const ASKS = {
  "0 host calls": "",
  "10 host calls, clock": "for (let call = 0; call < 10; call += 1) host.now();",
  "10 host calls, kv": "for (let call = 0; call < 10; call += 1) await host.kv.get('key');",
} as const;

/** The same calls with and without somebody who is told of them, in turns. */
export async function measureRecordingCost(scale: number): Promise<readonly Sample[]> {
  let told = 0;
  const count = () => {
    told += 1;
  };
  const silent = await openBenchRuntime();
  const recorded = await openBenchRuntime({ onHostCall: count, onCall: count, onLog: count });
  const runtimes = { unrecorded: silent, recorded };
  const tookMs = new Map<string, number[]>();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [asks, body] of Object.entries(ASKS)) {
        const skill = createAsking(asks, body);
        for (const [how, runtime] of Object.entries(runtimes)) {
          const what = `isolate call with ${asks}, ${how}`;
          const times = tookMs.get(what) ?? [];
          for (let call = 0; call < scaled(CALLS, scale); call += 1) {
            times.push(await timeCall(runtime, skill));
          }
          tookMs.set(what, times);
        }
      }
    }
  } finally {
    await Promise.all([silent.close(), recorded.close()]);
  }
  if (told === 0) throw new Error("Cannot measure: nobody was told of any call");
  return [...tookMs].map(([what, values]) => ({ what, unit: "ms", values }));
}

function createAsking(asks: string, body: string): SkillCode {
  const name = `asks-${asks.replaceAll(/\W+/gu, "-")}`;
  const source = `export async function run(tool, input, host) { ${body} return { text: input.text }; }`;
  return createBenchSkill(name, source);
}
