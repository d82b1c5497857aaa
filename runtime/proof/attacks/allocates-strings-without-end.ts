import type { Attack } from "../attack.ts";

export const allocatesStringsWithoutEnd: Attack = {
  name: "allocates-strings-without-end",
  group: "memory",
  about: "Keeps strings without end",
  skill: {
    body: 'const all = []; for (;;) all.push(new Array(100_000).fill("text").join(""));',
    limits: { memoryMiB: 16 },
  },
  expect: ["memory"],
};
