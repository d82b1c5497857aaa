import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

export const resizesABufferPastTheLimit: Attack = {
  name: "resizes-a-buffer-past-the-limit",
  group: "memory",
  about: "Makes resizable buffers, which the memory limit does not see",
  skill: {
    body: "const buffer = new ArrayBuffer(1, { maxByteLength: 1e9 }); const species = new (buffer.constructor)(1, { maxByteLength: 1e9 }); return [buffer.resizable, species.resizable];",
  },
  expect: ["ok"],
  verify: gives([false, false]),
};
