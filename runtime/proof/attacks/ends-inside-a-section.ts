import type { Attack } from "../attack.ts";
import { HEADER } from "../encode-module.ts";

const TOO_LONG = [1, 0x7f, 0x01, 0x60];

export const endsInsideASection: Attack = {
  name: "ends-inside-a-section",
  group: "admission",
  about: "Says that a section goes on after the end of the module",
  skill: { wasm: Uint8Array.from([...HEADER, ...TOO_LONG]) },
  expect: ["failed", "denied"],
};
