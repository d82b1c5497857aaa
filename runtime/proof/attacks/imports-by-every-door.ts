import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const DOORS = `
  const doors = [
    () => import("node:fs"), () => eval('import("node:fs")'),
    () => new Function('return import("node:child_process")')(), () => import("data:text/javascript,1"),
    () => import("file:///etc/passwd"), () => import("./skill.js"),
    async () => { for await (const each of (async function* () { yield import("node:net"); })()) return each; },
  ];
  const opened = Object.keys(import.meta);
  for (const [index, door] of doors.entries()) try { await door(); opened.push(index); } catch {}
  return opened;`;

export const importsByEveryDoor: Attack = {
  name: "imports-by-every-door",
  group: "escape",
  about: "Imports Node's modules from eval, made functions, generators and import.meta",
  skill: { source: `export async function run() {${DOORS}}` },
  expect: ["ok"],
  verify: gives([]),
};
