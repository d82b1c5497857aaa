import type { Attack } from "../attack.ts";

export const isTooLarge: Attack = {
  name: "is-too-large",
  group: "admission",
  about: "Brings 17 MiB of code",
  skill: { wasm: new Uint8Array(17 * 1_048_576) },
  expect: ["denied"],
};
