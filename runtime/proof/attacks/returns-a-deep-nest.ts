import type { Attack } from "../attack.ts";

export const returnsADeepNest: Attack = {
  name: "returns-a-deep-nest",
  group: "output",
  about: "Gives back an array nested thousands of levels deep",
  skill: { body: "let nest = []; for (let i = 0; i < 5000; i++) nest = [nest]; return nest;" },
  expect: ["invalid-output"],
};
