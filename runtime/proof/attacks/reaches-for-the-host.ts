import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const PROBE = `
  const reached = [];
  const constructors = [
    globalThis.constructor, host.constructor, host.log.constructor, host.now.constructor,
    input.constructor, tool.constructor, Error.constructor, (async () => {}).constructor,
    Date.constructor, ArrayBuffer.constructor,
  ];
  for (const each of constructors) {
    for (const name of ["process", "require", "module", "Buffer", "WebAssembly", "SharedArrayBuffer", "Atomics"]) {
      try {
        const value = await each.constructor("return typeof " + name)();
        if (value !== "undefined") reached.push(name);
      } catch (error) {
        if (!(error instanceof Error)) reached.push("a foreign error");
        if (error.constructor.constructor("return typeof process")() !== "undefined") reached.push("process");
      }
    }
  }
  try { host.log({ toString() { throw new RangeError("mine"); } }); } catch (error) {
    if (!(error instanceof RangeError)) reached.push("a foreign error of log");
  }
  Error.prepareStackTrace = (_error, frames) => frames;
  for (const frame of new Error().stack) {
    if (frame.getThis() !== undefined || frame.getFunction() !== undefined) reached.push("a frame");
  }
  return reached;`;

export const reachesForTheHost: Attack = {
  name: "reaches-for-the-host",
  group: "escape",
  about: "Climbs from every constructor it is given to the host's globals",
  source: "vm2 docs/ATTACKS.md, category 1",
  skill: { body: PROBE },
  expect: ["ok"],
  verify: gives([]),
};
