import { attackTest } from "../support/attack-test.ts";

const DIVE = `
  const seen = [];
  function dive(depth) {
    if (depth > 0) return dive(depth - 1);
    try { host.now(); } catch (error) { seen.push(error.stack, error instanceof Error); }
  }
  for (let depth = 1_000; depth < 20_000; depth += 100) try { dive(depth); } catch {}
  return seen;`;

attackTest("an overflow in the host shows none of its files", async ({ attack, expect }) => {
  const result = await attack({ body: DIVE });
  if (result.kind !== "ok") throw new Error(result.error.message);
  expect(result.output).toContain(true);
  expect(result.output).not.toContain(false);
  expect(JSON.stringify(result.output)).not.toMatch(/file:|\.ts|node:/u);
});
