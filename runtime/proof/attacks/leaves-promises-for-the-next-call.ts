import type { Attack } from "../attack.ts";
import { all, gives } from "../verify.ts";

const LEAKING = `
  globalThis.waiting ??= [];
  export function run(tool, input) {
    const seen = globalThis.waiting.length;
    for (let i = 0; i < 10; i++) globalThis.waiting.push(new Promise(() => {}));
    if (input.isFirst) Promise.reject(new Error("left behind"));
    return seen;
  }`;

export const leavesPromisesForTheNextCall: Attack = {
  name: "leaves-promises-for-the-next-call",
  group: "state-leak",
  about: "Leaves promises behind that would go on in the next call",
  source: "isolated-vm #273",
  skill: { source: LEAKING },
  calls: Array.from({ length: 10 }, (_, index) => ({ input: { isFirst: index === 0 } })),
  // A rejection that nobody handles may fail its own call, and no other.
  expect: ["ok", "failed"],
  verify: all(gives(0), ({ result, index }) =>
    result.kind === "error" && index > 0 ? "the rejection of another call failed it" : undefined,
  ),
};
