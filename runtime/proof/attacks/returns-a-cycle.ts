import type { Attack } from "../attack.ts";

export const returnsACycle: Attack = {
  name: "returns-a-cycle",
  group: "output",
  about: "Gives back an object that contains itself",
  skill: { body: "const self = {}; self.self = self; return self;" },
  expect: ["invalid-output"],
};
