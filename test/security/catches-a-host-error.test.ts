import { attackTest } from "../support/attack-test.ts";

const PROBE = `
  try { host.now(); } catch (error) {
    const realm = error.constructor.constructor("return globalThis")();
    return [error instanceof Error, realm === globalThis, Object.keys(error), error.stack.includes("/")];
  }`;

attackTest(
  "an error of the host is the guest's own and names no file",
  async ({ attack, expect }) => {
    const result = await attack({ body: PROBE, capabilities: {} });
    expect(result).toMatchObject({ kind: "ok", output: [true, true, [], false] });
  },
);
