import type { Attack } from "../attack.ts";

const LIE = `
  let turn = 0;
  return new Proxy({}, {
    ownKeys: () => { turn += 1; return ["__proto__", "k" + turn]; },
    getOwnPropertyDescriptor: () => ({ value: { isAdmin: true }, enumerable: true, configurable: true }),
    get: () => ({ isAdmin: true }),
  });`;

export const returnsALyingProxy: Attack = {
  name: "returns-a-lying-proxy",
  group: "output",
  about: "Gives back a proxy that shows other keys each time it is read",
  skill: { body: LIE },
  expect: ["invalid-output", "failed"],
};
