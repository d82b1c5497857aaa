import { attackTest } from "../support/attack-test.ts";

attackTest(
  "a buffer cannot be made resizable, which the memory limit does not see",
  async ({ attack, expect }) => {
    const result = await attack({
      body: "const buffer = new ArrayBuffer(1, { maxByteLength: 1e9 }); const species = new (buffer.constructor)(1, { maxByteLength: 1e9 }); return [buffer.resizable, species.resizable];",
    });
    expect(result).toMatchObject({ kind: "ok", output: [false, false] });
  },
);
