import type { Attack } from "../attack.ts";

export const returnsAPrototype: Attack = {
  name: "returns-a-prototype",
  group: "output",
  about: "Gives back an own __proto__ key, which a careless copy turns into a prototype",
  skill: { body: 'return JSON.parse(\'{"a":[{"__proto__":{"isAdmin":true}}]}\');' },
  expect: ["invalid-output"],
};
