import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const FAIL = `
  const reached = [];
  const look = (error) => {
    if (!(error instanceof Error)) reached.push("a foreign error");
    if (error.constructor.constructor("return typeof process")() !== "undefined") reached.push("process");
  };
  for (const name of [Symbol("name"), { toString() { throw new TypeError("mine"); } }, 1n]) {
    const error = new Error("text");
    error.name = name;
    error.message = name;
    try { error.stack; } catch (caught) { look(caught); }
    await (async () => error.stack)().catch(look);
    try { throw Object.assign(new AggregateError([error], "text", { cause: error }), { name }); } catch (caught) { look(caught); }
  }
  Error.prepareStackTrace = undefined;
  try { Object.assign(new Error("text"), { name: Symbol("name") }).stack; } catch (caught) { look(caught); }
  return reached;`;

export const makesTheStackFail: Attack = {
  name: "makes-the-stack-fail",
  group: "escape",
  about: "Makes the formatting of a stack fail to catch an error of the host",
  source: "vm2 CVE-2026-22709",
  skill: { body: FAIL },
  expect: ["ok"],
  verify: gives([]),
};
