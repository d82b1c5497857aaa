import { attackTest } from "../support/attack-test.ts";

attackTest.for([
  "new Intl.DateTimeFormat('en', { dateStyle: 'full' }).format()",
  "new Intl.DateTimeFormat('en').formatToParts()",
])("%s needs the grant of the clock", async (expression, { attack, expect }) => {
  const result = await attack({ body: `return ${expression};`, capabilities: {} });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: "manifest: capabilities.clock" },
  });
});

attackTest("a formatted date is the one that was given", async ({ attack, expect }) => {
  const body = `
    const format = new Intl.DateTimeFormat("en", { dateStyle: "short", timeZone: "UTC" });
    return [[0].map(format.format), format.formatToParts(0).length, format.format() !== "1/1/70"];`;
  const result = await attack({ body });
  expect(result).toMatchObject({ kind: "ok", output: [["1/1/70"], 5, true] });
});
