import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

const ENV = "extism:host/env";
const REQUEST = Buffer.from('{"url":"http://api.proof.test/v1/hello", "method":"GET"}');
const WORD_BYTES = 8;

const writes = Array.from({ length: REQUEST.length / WORD_BYTES }, (_, index) => [
  ...wasm.getLocal(0),
  ...wasm.i64(index * WORD_BYTES),
  ...wasm.add64,
  ...wasm.i64(REQUEST.readBigInt64LE(index * WORD_BYTES)),
  ...wasm.call(1),
]);

const asking = encodeModule({
  imports: [
    { kind: "function", module: ENV, name: "alloc", type: "I:I" },
    { kind: "function", module: ENV, name: "store_u64", type: "II:" },
    { kind: "function", module: ENV, name: "http_request", type: "II:I" },
  ],
  functions: {
    try_it: {
      locals: [[1, I64]],
      code: [
        ...wasm.i64(REQUEST.length),
        ...wasm.call(0),
        ...wasm.setLocal(0),
        ...writes.flat(),
        ...wasm.getLocal(0),
        ...wasm.i64(0),
        ...wasm.call(2),
        ...wasm.drop,
        ...wasm.i32(0),
      ],
    },
  },
});

export const pluginAsksForTheNetwork: Attack = {
  name: "plugin-asks-for-the-network",
  group: "network",
  about: "Makes a request from a plugin whose manifest asks for nothing",
  source: "Extism: http_request",
  skill: { wasm: asking, capabilities: {} },
  expect: ["denied"],
  verify: ({ visits, hostCalls }) => {
    if (visits.length > 0) return "the request was made";
    return hostCalls.some(({ name, decision }) => name === "http" && decision === "denied")
      ? undefined
      : "no denial is on record";
  },
};
