import { attackTest } from "../support/attack-test.ts";

attackTest("a changed realm does not change what the host does", async ({ attack, expect }) => {
  const result = await attack({
    body: 'JSON.stringify = () => "stolen"; JSON.parse = () => ({}); String.prototype.slice = () => "stolen"; Promise.prototype.then = () => undefined; Reflect.apply = () => undefined; return { ok: true };',
  });
  expect(result).toMatchObject({ kind: "ok", output: { ok: true } });
});
