import type { Attack } from "../attack.ts";

export const throwsAnErrorWithLoopingGetters: Attack = {
  name: "throws-an-error-with-looping-getters",
  group: "cpu",
  about: "Throws an error whose getters loop",
  skill: {
    body: "throw { get message() { for (;;); }, get stack() { for (;;); } };",
    limits: { wallMs: 300 },
  },
  expect: ["wall-time"],
};
