import type { Attack } from "../attack.ts";

const COPY = `
  const bytes = new Uint8Array(8 * 1024 * 1024);
  const all = new Array(bytes.length);
  for (let at = bytes.length; at-- > 0; ) all[at] = bytes[at] + 0.5;
  return all.length;`;

export const copiesABufferIntoAnArray: Attack = {
  name: "copies-a-buffer-into-an-array",
  group: "memory",
  about: "Copies a large buffer into an array slot by slot, which aborts V8",
  source: "isolated-vm #527",
  skill: { body: COPY, limits: { memoryMiB: 16 } },
  expect: ["memory"],
};
