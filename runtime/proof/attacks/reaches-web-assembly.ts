import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const LOOK = `
  const found = [];
  const names = ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef"];
  const make = (async () => {}).constructor;
  for (const name of names) {
    if (name in globalThis || await make("return typeof " + name)() !== "undefined") found.push(name);
  }
  if (typeof structuredClone !== "undefined") found.push("structuredClone");
  if (typeof Array.fromAsync === "function") await Array.fromAsync([]);
  return found;`;

export const reachesWebAssembly: Attack = {
  name: "reaches-web-assembly",
  group: "escape",
  about: "Looks for WebAssembly and shared memory, which no memory limit of an isolate holds",
  skill: { body: LOOK },
  expect: ["ok"],
  verify: gives([]),
};
