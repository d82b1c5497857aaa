import type { Attack } from "../attack.ts";

const SORT = `
  const endless = new Proxy([], { get: (target, name) => (name === "length" ? 2 ** 53 - 1 : target[name]), has: () => true });
  return Array.prototype.indexOf.call(endless, "never");`;

export const sortsWithoutEnd: Attack = {
  name: "sorts-without-end",
  group: "cpu",
  about: "Sorts with a comparator and a proxy that never let native code end",
  skill: { body: SORT, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
