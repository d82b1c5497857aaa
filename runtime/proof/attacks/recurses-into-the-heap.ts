import type { Attack } from "../attack.ts";

const CHAIN = `
  let last = Promise.resolve();
  const all = [];
  for (;;) { const text = "x".repeat(100) + all.length; last = last.then(() => text); all.push(last); }`;

export const recursesIntoTheHeap: Attack = {
  name: "recurses-into-the-heap",
  group: "memory",
  about: "Keeps closures in an endless chain of promises",
  skill: { body: CHAIN, limits: { wallMs: 2_000 } },
  expect: ["memory", "wall-time"],
};
