import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test as baseTest } from "vitest";
import { type InvokeResult, openRuntime } from "../../../runtime/index.ts";
import { createSkill, type SkillParts, TOOL } from "../../../runtime/proof/create-skill.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const REASON = { reason: "to test it" };
const POLICY = `
apiVersion: nexflow.dev/sandbox/v1
kind: SandboxPolicy
metadata: { name: test, priority: 0 }
match: { trust: [first-party], skills: ["*"] }
mode: enforce
ceiling:
  wallMs: 5000
  cpuMs: 5000
  memoryMiB: 64
  outputKiB: 256
  logKiB: 64
  hostCalls: { total: 50, perSecond: 50, atOnce: 4 }
  concurrency: { perSkill: 4, perUser: 4 }
  queueMs: 5000
grants:
  kv: { maxKiB: 1, maxKeys: 3 }
  config: { UNIT: metric }
`;

type Call = (body: string, parts?: SkillParts) => Promise<InvokeResult>;

/** `call` runs the body of `run(tool, input, host)` under a policy that grants kv and config. */
const test = baseTest.extend<{ readonly call: Call }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  call: async ({}, use) => {
    await using dir = await openTempDir();
    await writeFile(path.join(dir.path, "test.yaml"), POLICY);
    await using runtime = await openRuntime({ policyDir: dir.path, minProcesses: 1 });
    await use((body, parts = {}) => {
      const skill = createSkill({
        name: "guest",
        trust: "first-party",
        capabilities: { kv: REASON, config: REASON },
        body,
        ...parts,
      });
      return runtime.invoke({ skill, tool: TOOL, input: {}, userId: "ada" });
    });
  },
});

test("host.kv keeps text and bytes, lists keys and says what it deleted", async ({
  call,
  expect,
}) => {
  const result = await call(`
    const { kv } = host;
    await kv.set("a/text", "h\\u00e9llo \\ud83d\\ude00");
    await kv.set("a/bytes", new Uint8Array([0, 255, 128]));
    return {
      text: await kv.getText("a/text"),
      sizeOfText: (await kv.get("a/text")).length,
      bytes: [...(await kv.get("a/bytes"))],
      isBytes: (await kv.get("a/bytes")) instanceof Uint8Array,
      missing: [await kv.get("b"), await kv.getText("b")].map((each) => each === undefined),
      keys: await kv.list("a/"),
      none: await kv.list("b/"),
      deleted: [await kv.delete("a/text"), await kv.delete("a/text")],
      left: await kv.list(),
    };
  `);
  expect(result).toMatchObject({
    kind: "ok",
    output: {
      text: "h\u00e9llo \u{1f600}",
      sizeOfText: 11,
      bytes: [0, 255, 128],
      isBytes: true,
      missing: [true, true],
      keys: ["a/bytes", "a/text"],
      none: [],
      deleted: [true, false],
      left: ["a/bytes"],
    },
  });
});

test("host.kv keeps values from one call to the next", async ({ call, expect }) => {
  await call('await host.kv.set("key", "value");');
  expect(await call('return await host.kv.getText("key");')).toMatchObject({ output: "value" });
});

test("host.kv.set() rejects what the quota has no room for, and stores nothing", async ({
  call,
  expect,
}) => {
  const result = await call(`
    await host.kv.set("key", "small");
    let message;
    await host.kv.set("key", "x".repeat(2000)).catch((error) => { message = error.message; });
    return { message, kept: await host.kv.getText("key") };
  `);
  expect(result).toMatchObject({
    kind: "ok",
    output: { message: expect.stringContaining("1024"), kept: "small" },
  });
});

test("host.config.get() gives the operator's values, undefined for others", async ({
  call,
  expect,
}) => {
  const body = 'return [await host.config.get("UNIT"), await host.config.get("X") === undefined];';
  expect(await call(body)).toMatchObject({ kind: "ok", output: ["metric", true] });
});

test("host.http.fetch() rejects where nothing is granted, and a guest may do without", async ({
  call,
  expect,
}) => {
  const fetched = 'await host.http.fetch("https://api.example.com/")';
  const caught = `try { ${fetched}; } catch (error) { return [error instanceof Error, error.message]; }`;
  expect(await call(caught)).toMatchObject({
    kind: "ok",
    output: [true, expect.stringContaining('"http" is not granted')],
  });
  expect(await call(fetched)).toMatchObject({ kind: "error", error: { code: "denied" } });
});

test("a limit on host calls fails the call of a guest that catches all", async ({
  call,
  expect,
}) => {
  const result = await call(`
    for (let asked = 0; asked < 100; asked += 1) {
      try { await host.config.get("UNIT"); } catch {}
    }
    return "done";
  `);
  expect(result).toMatchObject({
    kind: "error",
    error: { code: expect.stringMatching(/^host-call(?:s|-rate)$/u), limit: 50 },
  });
});

test("host.schedule() rejects in this version", async ({ call, expect }) => {
  const result = await call(
    'return await host.schedule({ at: "tomorrow" }).then(() => "done", () => "rejected");',
    { capabilities: { schedule: REASON } },
  );
  expect(result).toMatchObject({ kind: "ok", output: "rejected" });
});
