import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

// A proxy looks for its traps on its handler: what stands on Object.prototype would be one.
const STEAL = `
  const stolen = [];
  for (const trap of ["get", "has", "getPrototypeOf", "ownKeys", "defineProperty", "apply", "construct"]) {
    Object.prototype[trap] = (target) => { if (typeof target === "function") stolen.push(target); };
  }
  for (const guarded of [Date, ArrayBuffer]) {
    for (const touch of [
      () => guarded.name, () => "x" in guarded, () => guarded instanceof Function,
      () => Reflect.ownKeys(guarded), () => Reflect.defineProperty(guarded, "x", { value: 1 }),
      () => guarded(), () => new guarded(1),
    ]) try { touch(); } catch {}
  }
  return stolen.length;`;

export const trapsWhatTheRealmGuards: Attack = {
  name: "traps-what-the-realm-guards",
  group: "escape",
  about: "Sets proxy traps on Object.prototype to steal the guarded Date and ArrayBuffer",
  source: "vm2 CVE-2023-32314",
  skill: { body: STEAL, capabilities: {} },
  expect: ["ok", "denied", "failed", "invalid-output"],
  verify: gives(0),
};
