import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const promiseNeverSettles: Attack = {
  name: "promise-never-settles",
  group: "cpu",
  about: "Gives back a promise that never settles",
  source: "isolated-vm #318",
  skill: { body: "await new Promise(() => {});", limits: { wallMs: 2_000 } },
  expect: ["failed"],
  verify: failsWith({ message: "The promise that run() gave never settles" }),
};
