import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const ASK = `
  const reached = [];
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "call", "load", "kill", "eval"];
  for (const name of names) for (const place of [host, host.kv, host.http, host.config]) {
    const found = place?.[name];
    if (typeof found === "function" && !(found instanceof Function)) reached.push(name);
  }
  // What the host parses is what the guest's JSON.stringify gives.
  Array.prototype.toJSON = () => ["constructor", {}];
  Object.prototype.toJSON = () => "text";
  try { await host.kv.getText("key"); reached.push("a function of another name"); } catch {}
  delete Array.prototype.toJSON;
  delete Object.prototype.toJSON;
  return reached;`;

export const asksByAnUnknownName: Attack = {
  name: "asks-by-an-unknown-name",
  group: "escape",
  about: "Asks the host for functions by the names of its own objects' properties",
  skill: { body: ASK, capabilities: {} },
  expect: ["ok"],
  verify: gives([]),
};
