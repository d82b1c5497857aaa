import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const STEAL = `
  const reached = [];
  const look = (value) => {
    try {
      if (value.constructor.constructor("return typeof process")() !== "undefined") reached.push("process");
      if (typeof value === "function" && !(value instanceof Function)) reached.push("a foreign function");
    } catch {}
  };
  class Spy extends Promise {
    constructor(executor) {
      super((resolve, reject) => { look(resolve); look(reject); executor((each) => { look(each); resolve(each); }, reject); });
    }
    static get [Symbol.species]() { return Spy; }
  }
  Object.defineProperty(Promise, Symbol.species, { get: () => Spy });
  Promise.prototype.constructor = Spy;
  const failing = (async () => { const error = new Error(); error.name = Symbol(); return error.stack; })();
  failing.constructor = Spy;
  await failing.catch(look);
  return reached;`;

export const stealsByPromiseSpecies: Attack = {
  name: "steals-by-promise-species",
  group: "escape",
  about: "Gives promises a constructor of its own to catch what resolves them",
  source: "vm2 CVE-2023-37466",
  skill: { body: STEAL },
  expect: ["ok"],
  verify: gives([]),
};
