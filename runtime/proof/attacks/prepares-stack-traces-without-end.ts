import type { Attack } from "../attack.ts";

export const preparesStackTracesWithoutEnd: Attack = {
  name: "prepares-stack-traces-without-end",
  group: "cpu",
  about: "Loops in Error.prepareStackTrace",
  skill: {
    body: 'Error.prepareStackTrace = () => { for (;;); }; new Error("boo").stack;',
    limits: { wallMs: 300 },
  },
  expect: ["wall-time"],
};
