import type { Attack } from "../attack.ts";

const LOADING =
  "const error = new Error(); Object.defineProperty(error, 'stack', { get() { for (;;); } }); Object.defineProperty(error, 'message', { get() { for (;;); } }); throw error;";

export const throwsWhileItsModuleLoads: Attack = {
  name: "throws-while-its-module-loads",
  group: "cpu",
  about: "Throws an error with looping getters while its module loads",
  skill: { source: LOADING, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
