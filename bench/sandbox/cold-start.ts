import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ColdStart } from "../load/cold-start.ts";
import { nextMessage } from "../next-message.ts";
import { type Sample, scaled } from "./sample.ts";

const STARTS = 10;
const PROGRAM = fileURLToPath(new URL("../load/cold-start.ts", import.meta.url));

/** The first answer of a runtime, in programs that have done nothing before. */
export async function measureColdStart(scale: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const engine of ["wasm", "isolate"] as const) {
    const firsts: ColdStart[] = [];
    const agains: ColdStart[] = [];
    for (let start = 0; start < scaled(STARTS, scale); start += 1) {
      const [first, again] = await startOnce(engine);
      firsts.push(first);
      agains.push(again);
    }
    samples.push(
      toSample(`openRuntime to the first ${engine} answer, new program`, firsts, toAnswer),
      toSample(`openRuntime to the first ${engine} answer, layers known`, agains, toAnswer),
      toSample(`first ${engine} call of a runtime`, firsts, ({ callMs }) => callMs),
    );
  }
  return samples;
}

async function startOnce(engine: string): Promise<readonly [ColdStart, ColdStart]> {
  const child = fork(PROGRAM, [engine]);
  const ended = once(child, "exit");
  const starts = (await nextMessage(child)) as readonly [ColdStart, ColdStart];
  await ended;
  return starts;
}

function toAnswer({ openMs, callMs }: ColdStart): number {
  return openMs + callMs;
}

function toSample(
  what: string,
  starts: readonly ColdStart[],
  valueOf: (start: ColdStart) => number,
): Sample {
  return { what, unit: "ms", values: starts.map(valueOf) };
}
