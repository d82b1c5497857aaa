import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const POISON = `
  const stolen = [];
  const names = ["value", "writable", "enumerable", "configurable", "get", "set", "reference", "kind", "code", "message", "0", "1", "log", "now", "then"];
  for (const name of names) {
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      configurable: true,
      get() { return undefined; },
      set(value) { if (typeof value === "function" && !(value instanceof Function)) stolen.push(name); },
    });
  }
  try { host.log("text"); } catch {}
  try { host.random(); } catch {}
  return { stolen: stolen.length };`;

export const poisonsWhatEveryObjectInherits: Attack = {
  name: "poisons-what-every-object-inherits",
  group: "escape",
  about:
    "Puts setters, getters and then on Object.prototype while the host's code builds its answer",
  source: "vm2 CVE-2021-23449",
  skill: { body: POISON },
  expect: ["ok", "failed", "invalid-output"],
  verify: gives({ stolen: 0 }),
};
