import { attackTest } from "../support/attack-test.ts";

attackTest("buffers without end meet the memory limit", async ({ attack, expect }) => {
  const result = await attack({
    body: "const all = []; for (;;) all.push(new Uint8Array(1_000_000).fill(1));",
  });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "memory",
      limit: 64,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
    },
  });
});
