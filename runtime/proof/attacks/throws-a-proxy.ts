import type { Attack } from "../attack.ts";

const THROW = `
  const trap = () => { throw new Proxy(function () {}, { get: trap, has: trap, getPrototypeOf: trap }); };
  throw new Proxy(new Error("text"), { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap });`;

export const throwsAProxy: Attack = {
  name: "throws-a-proxy",
  group: "escape",
  about: "Throws proxies whose traps throw again while the host reads the error",
  source: "vm2 CVE-2023-30547",
  skill: { body: THROW },
  expect: ["failed"],
};
