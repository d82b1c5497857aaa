import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const LEAKING = `
  let calls = 0;
  export function run() {
    calls += 1;
    const seen = [calls, globalThis.secret, [].secret, Symbol.for("secret").secret, /x/.lastIndex];
    globalThis.secret = "mine";
    Array.prototype.secret = "mine";
    Object.prototype.toJSON = undefined;
    JSON.parse = () => "mine";
    Date.now = () => 0;
    return seen.map((each) => each ?? null);
  }`;

export const leavesStateForTheNextCall: Attack = {
  name: "leaves-state-for-the-next-call",
  group: "state-leak",
  about: "Leaves globals, prototypes and built-ins behind and looks for them, fifty times",
  skill: { source: LEAKING },
  calls: Array.from({ length: 50 }, () => ({})),
  expect: ["ok"],
  verify: gives([1, null, null, null, 0]),
};
