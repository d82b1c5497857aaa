import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const LEAKING = `
  const pattern = /(secret-\\w+)/g;
  export function run(tool, input) {
    const seen = [RegExp.$1, RegExp.lastMatch, RegExp.input ?? "", RegExp["$\`"], pattern.lastIndex];
    pattern.test("before secret-" + input.word + " after");
    return seen;
  }`;

export const leavesMatchesOfAPattern: Attack = {
  name: "leaves-matches-of-a-pattern",
  group: "state-leak",
  about: "Reads RegExp.$1 and lastIndex for what the last call matched",
  skill: { source: LEAKING },
  calls: ["one", "two", "three"].map((word) => ({ input: { word } })),
  expect: ["ok"],
  verify: gives(["", "", "", "", 0]),
};
