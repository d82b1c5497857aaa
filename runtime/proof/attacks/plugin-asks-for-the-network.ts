import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const ENV = "extism:host/env";
const asking = encodeModule({
  imports: [
    { kind: "function", module: ENV, name: "alloc", type: "I:I" },
    { kind: "function", module: ENV, name: "http_request", type: "II:I" },
  ],
  functions: {
    try_it: [
      ...wasm.i64(64n),
      ...wasm.call(0),
      ...wasm.i64(0n),
      ...wasm.call(1),
      ...wasm.drop,
      ...wasm.i32(0),
    ],
  },
});

export const pluginAsksForTheNetwork: Attack = {
  name: "plugin-asks-for-the-network",
  group: "network",
  about: "Makes a request from a plugin whose manifest asks for nothing",
  source: "Extism: http_request",
  skill: { wasm: asking, capabilities: {} },
  expect: ["denied", "failed"],
};
