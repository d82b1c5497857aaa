import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const LOOK = `
  const found = new Uint8Array(1_000_000).findIndex((each) => each !== 0);
  const copied = new Uint8Array(new ArrayBuffer(200_000).slice(10)).findIndex((each) => each !== 0);
  new Uint8Array(1_000_000).fill(115);
  return [found, copied];`;

export const findsOldBytesInNewMemory: Attack = {
  name: "finds-old-bytes-in-new-memory",
  group: "state-leak",
  about: "Looks for bytes of other calls in memory that it has just been given",
  skill: { body: LOOK },
  calls: Array.from({ length: 6 }, () => ({})),
  expect: ["ok"],
  verify: gives([-1, -1]),
};
