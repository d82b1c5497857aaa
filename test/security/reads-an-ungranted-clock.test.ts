import { attackTest } from "../support/attack-test.ts";

attackTest("a clock that the manifest does not ask for is denied", async ({ attack, expect }) => {
  const result = await attack({ body: "return host.now();", capabilities: {} });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: "manifest: capabilities.clock" },
  });
});
