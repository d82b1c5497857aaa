import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const ASK = `
  const found = [];
  const spy = new Function("found", \`
    return function toText() {
      try {
        const { caller } = arguments.callee;
        if (caller !== null) found.push(String(caller).slice(0, 80));
      } catch {}
      if (this !== undefined && this !== globalThis && this.spied !== true) found.push("a foreign this");
      return "text";
    };\`)(found);
  const value = { spied: true, toString: spy, valueOf: spy, toJSON: spy, [Symbol.toPrimitive]: spy };
  try { host.log(value); } catch {}
  return { found, value };`;

export const asksWhoCallsBack: Attack = {
  name: "asks-who-calls-back",
  group: "escape",
  about: "Reads its callers from functions the host calls back",
  source: "vm2 docs/ATTACKS.md: arguments.callee.caller",
  skill: { body: ASK },
  expect: ["ok"],
  verify: gives({ found: [], value: "text" }),
};
