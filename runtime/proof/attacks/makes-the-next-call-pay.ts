import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const names = Array.from({ length: 100_000 }, (_, index) => `export let v${index} = 0;`);

export const makesTheNextCallPay: Attack = {
  name: "makes-the-next-call-pay",
  group: "neighbours",
  about: "Brings a module that is slow to load, so that the next call pays for loading it again",
  skill: { source: `${names.join("")} export function run() { return 1; }` },
  // The neighbours' own user: nothing but their limits keeps the two apart.
  calls: [{ userId: "alice" }],
  expect: ["ok"],
  verify: gives(1),
};
