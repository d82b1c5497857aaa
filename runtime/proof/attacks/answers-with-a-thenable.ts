import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const ANSWER = `
  const reached = [];
  const look = (each) => {
    if (!(each instanceof Function)) reached.push("a foreign function");
    if (each.constructor("return typeof process")() !== "undefined") reached.push("process");
  };
  const thenable = (depth) => ({
    then(resolve, reject) {
      look(resolve); look(reject);
      resolve(depth === 0 ? reached : thenable(depth - 1));
    },
  });
  return thenable(20);`;

export const answersWithAThenable: Attack = {
  name: "answers-with-a-thenable",
  group: "escape",
  about: "Gives back thenables to catch the functions that the host resolves them with",
  source: "vm2 CVE-2023-37466",
  skill: { body: ANSWER },
  expect: ["ok"],
  verify: gives([]),
};
