import type { Attack } from "../attack.ts";

const FLATTEN = `
  let rope = "text of some length, ";
  while (rope.length < 500_000_000) rope += rope;
  return /never/.test(rope) || rope.charCodeAt(7);`;

export const flattensARope: Attack = {
  name: "flattens-a-rope",
  group: "memory",
  about: "Builds a string of 500 million characters from ropes and flattens it",
  skill: { body: FLATTEN },
  expect: ["memory", "failed"],
};
