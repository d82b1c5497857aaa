import type { Attack } from "../attack.ts";

export const printsAHugeBigint: Attack = {
  name: "prints-a-huge-bigint",
  group: "cpu",
  about: "Prints a number for hours in native code, which no timeout of V8 interrupts",
  skill: { body: "return String(2n ** (2n ** 29n));", limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
