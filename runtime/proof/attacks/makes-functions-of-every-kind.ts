import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const MAKE = `
  const kinds = [() => {}, function* () {}, async () => {}, async function* () {}];
  const names = ["process", "require", "global", "Buffer", "fetch", "setTimeout", "WebAssembly"];
  const found = [];
  for (const kind of kinds) {
    const make = Object.getPrototypeOf(kind).constructor;
    for (const name of names) {
      const made = make("return typeof " + name)();
      const value = await (made.next === undefined ? made : (await made.next()).value);
      if (value !== "undefined") found.push(name);
    }
  }
  return found;`;

export const makesFunctionsOfEveryKind: Attack = {
  name: "makes-functions-of-every-kind",
  group: "escape",
  about: "Makes code from strings with every kind of function constructor",
  source: "vm2 docs/ATTACKS.md, category 1",
  skill: { body: MAKE },
  expect: ["ok"],
  verify: gives([]),
};
