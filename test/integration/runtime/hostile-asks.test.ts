import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test as baseTest } from "vitest";
import { type InvokeResult, openRuntime } from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { policyText } from "../../support/policies.ts";
import { openTempDir } from "../../support/temp-dir.ts";

interface Fixtures {
  /** What the runtime told of, in its order: "<name> <decision>" or "call <outcome>". */
  readonly told: string[];
  /** Runs the body of `run(tool, input, host)`; at most four host calls may be unanswered. */
  readonly call: (body: string) => Promise<InvokeResult>;
}

const reason = "to test it";
const http = [
  {
    host: "localhost",
    schemes: ["http" as const],
    methods: ["GET" as const],
    paths: ["/"],
    reason,
  },
];

const test = baseTest.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  told: async ({}, use) => use([]),
  call: async ({ told }, use) => {
    await using dir = await openTempDir();
    const allowed = "{ host: localhost, schemes: [http], methods: [GET], paths: [/] }";
    const grants = `{ log: true, kv: { maxKiB: 1, maxKeys: 3 }, http: { allow: [${allowed}] } }`;
    await writeFile(path.join(dir.path, "p.yaml"), policyText({ grants, wallMs: 10_000 }));
    await using runtime = await openRuntime({
      policyDir: dir.path,
      minProcesses: 1,
      onHostCall: ({ name, decision }) => told.push(`${name} ${decision}`),
      onCall: ({ outcome, hostCalls }) => told.push(`call ${outcome}, ${hostCalls} host calls`),
    });
    const capabilities = { kv: { reason }, http };
    await use((body) => {
      const skill = createSkill({ body, capabilities, trust: "first-party" });
      return runtime.invoke({ skill, tool: TOOL, input: {}, userId: "mallory" });
    });
  },
});

test("host.log() works while as many asks are unanswered as may be", async ({ call, expect }) => {
  const result = await call(`
    const asks = ["a", "b", "c", "d"].map((key) => host.kv.get(key));
    host.log("four asks are unanswered");
    return (await Promise.all(asks)).length;
  `);
  expect(result).toMatchObject({ kind: "ok", output: 4 });
});

test("asks that a guest does not wait for are on record before its call is", async ({
  call,
  told,
  expect,
}) => {
  await call('host.kv.set("key", "value"); host.http.fetch("http://localhost/"); return 1;');
  const [last, ...asks] = told.toReversed();
  expect(last).toBe("call ok, 2 host calls");
  // "localhost" is no public address: a guest cannot make its denial pass for an allowed call.
  expect(asks.toSorted()).toEqual(["http denied", "kv-set allowed"]);
});

test.for([
  ["key", "host.kv.get('k'.repeat(4_000_000))"],
  ["url", "host.http.fetch('http://localhost/' + 'x'.repeat(4_000_000))"],
  ["value", "host.kv.set('k', 'x'.repeat(5_000_000))"],
  ["body", "host.http.fetch('http://localhost/', { method: 'POST', body: 'x'.repeat(5_000_000) })"],
])(
  "a huge %s gets an error in the sandbox and is not sent",
  async ([, ask], { call, told, expect }) => {
    const result = await call(`return ${ask}.then(() => "done", ({ message }) => message);`);
    expect(result).toMatchObject({ kind: "ok", output: expect.stringContaining("Cannot send") });
    expect(told).toEqual(["call ok, 0 host calls"]);
  },
);
