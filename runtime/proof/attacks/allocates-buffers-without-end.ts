import type { Attack } from "../attack.ts";

export const allocatesBuffersWithoutEnd: Attack = {
  name: "allocates-buffers-without-end",
  group: "memory",
  about: "Keeps buffers, which live outside the heap, without end",
  source: "isolated-vm #499",
  skill: { body: "const all = []; for (;;) all.push(new Uint8Array(1_000_000).fill(1));" },
  expect: ["memory"],
};
