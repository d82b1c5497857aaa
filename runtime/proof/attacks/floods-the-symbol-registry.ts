import type { Attack } from "../attack.ts";

export const floodsTheSymbolRegistry: Attack = {
  name: "floods-the-symbol-registry",
  group: "memory",
  about: "Registers symbols, which are never collected, without end",
  skill: {
    body: 'const long = "key".repeat(1_000); for (let i = 0; ; i++) Symbol.for(long + i);',
    limits: { memoryMiB: 16 },
  },
  expect: ["memory"],
};
