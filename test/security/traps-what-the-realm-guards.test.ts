import { attackTest } from "../support/attack-test.ts";

// A proxy looks for its traps on its handler: what stands on Object.prototype would be one.
const STEAL = `
  const stolen = [];
  for (const trap of ["get", "has", "getPrototypeOf", "ownKeys", "defineProperty", "apply", "construct"]) {
    Object.prototype[trap] = (target) => { if (typeof target === "function") stolen.push(target); };
  }
  for (const guarded of [Date, ArrayBuffer]) {
    for (const touch of [
      () => guarded.name, () => "x" in guarded, () => guarded instanceof Function,
      () => Reflect.ownKeys(guarded), () => Reflect.defineProperty(guarded, "x", { value: 1 }),
      () => guarded(), () => new guarded(1),
    ]) try { touch(); } catch {}
  }`;

attackTest("no trap gives the unguarded Date or ArrayBuffer", async ({ attack, expect }) => {
  const result = await attack({ body: `${STEAL} return stolen.length;`, capabilities: {} });
  expect(result).not.toMatchObject({ kind: "ok", output: expect.toSatisfy((count) => count > 0) });
});
