import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const REGISTER = `
  const called = [];
  const spy = (name) => (...args) => { called.push(name, args.length); return {}; };
  for (const name of ["nodejs.util.inspect.custom", "nodejs.util.promisify.custom", "nodejs.rejection", "nodejs.dispose"]) {
    Object.prototype[Symbol.for(name)] = spy(name);
    Error.prototype[Symbol.for(name)] = spy(name);
  }
  try { host.log({}); } catch {}
  try { console.log({}, new Error()); } catch {}
  return called;`;

export const registersAnInspector: Attack = {
  name: "registers-an-inspector",
  group: "escape",
  about: "Leaves methods under the symbols by which Node shows and converts objects",
  source: "vm2 CVE-2023-37903",
  skill: { body: REGISTER },
  expect: ["ok"],
  verify: gives([]),
};
