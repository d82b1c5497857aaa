import { attackTest } from "../support/attack-test.ts";

attackTest("the realm's own Date needs the grant as well", async ({ attack, expect }) => {
  const result = await attack({
    body: "return [Date.now(), new Date().getTime(), Date()];",
    capabilities: {},
  });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: "manifest: capabilities.clock" },
  });
});
