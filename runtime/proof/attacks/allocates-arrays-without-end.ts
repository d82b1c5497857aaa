import type { Attack } from "../attack.ts";

export const allocatesArraysWithoutEnd: Attack = {
  name: "allocates-arrays-without-end",
  group: "memory",
  about: "Keeps arrays without end",
  skill: { body: "const all = []; for (;;) all.push(new Array(1000).fill(1));" },
  expect: ["memory"],
};
