import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { test as baseTest } from "vitest";
import {
  type CallRecord,
  type Capabilities,
  type HostCallRecord,
  openRuntime,
  type Runtime,
  type RuntimeNotice,
} from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { policyText } from "../../support/policies.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const reason = "to test it";

interface Fixtures {
  readonly origin: string;
  readonly requests: { readonly method: string; readonly headers: IncomingMessage["headers"] }[];
  readonly records: HostCallRecord[];
  readonly calls: CallRecord[];
  readonly runtime: Runtime;
}

const test = baseTest.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  requests: async ({}, use) => use([]),
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  records: async ({}, use) => use([]),
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  calls: async ({}, use) => use([]),
  origin: async ({ requests }, use) => {
    const server = createServer((request, response) => {
      requests.push({ method: request.method ?? "", headers: request.headers });
      if (request.url === "/bytes") return void response.end(Buffer.from([0, 255, 128, 10]));
      request.on("data", (chunk: Buffer) => response.write(chunk.toString().toUpperCase()));
      request.on("end", () => response.end("!"));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
  },
  runtime: async ({ origin, records, calls }, use) => {
    await using folder = await openTempDir();
    const { port } = new URL(origin);
    const rule = `{ host: 127.0.0.1, schemes: [http], ports: [${port}], methods: [GET, POST], paths: [/] }`;
    const http = `{ allow: [${rule}], privateAddresses: [127.0.0.0/8] }`;
    const grants = `{ log: true, clock: true, random: true, config: { UNIT: metric }, kv: { maxKiB: 1, maxKeys: 3 }, http: ${http} }`;
    await writeFile(path.join(folder.path, "p.yaml"), policyText({ grants, wallMs: 10_000 }));
    await using runtime = await openRuntime({
      policyDir: folder.path,
      maxProcesses: 2,
      onHostCall: (record) => records.push(record),
      onCall: (record) => calls.push(record),
    });
    await use(runtime);
  },
});

const capabilities = (origin: string): Capabilities => ({
  config: { reason },
  kv: { reason },
  http: [
    {
      host: "127.0.0.1",
      schemes: ["http"],
      ports: [Number(new URL(origin).port)],
      methods: ["GET", "POST"],
      paths: ["/"],
      reason,
    },
  ],
});

const invoke = (runtime: Runtime, origin: string, body: string, userId = "alice") =>
  runtime.invoke({
    skill: createSkill({ body, capabilities: capabilities(origin), limits: { wallMs: 10_000 } }),
    tool: TOOL,
    input: { origin },
    userId,
  });

test("a guest fetches what its policy and manifest allow, several at a time", async ({
  runtime,
  origin,
  requests,
  records,
  expect,
}) => {
  const body = `
    const one = host.http.fetch(input.origin + "/a", { method: "POST", body: "one é" });
    const two = host.http.fetch(input.origin + "/bytes");
    const [a, b] = await Promise.all([one, two]);
    return [a.status, a.text(), [...b.bytes()]];`;
  const result = await invoke(runtime, origin, body);
  expect(result).toMatchObject({ kind: "ok", output: [200, "ONE É!", [0, 255, 128, 10]] });
  expect(requests.map(({ method }) => method).toSorted()).toEqual(["GET", "POST"]);
  expect(records).toMatchObject([{ decision: "allowed" }, { decision: "allowed" }]);
  expect(records.map(({ name, rule }) => [name, rule.replace(/\d+:/u, "N:")])).toEqual([
    ["http", "p.yaml:N: grants.http.allow.0"],
    ["http", "p.yaml:N: grants.http.allow.0"],
  ]);
});

test("a guest that is refused a request hears why, and the refusal is on record", async ({
  runtime,
  origin,
  requests,
  records,
  expect,
}) => {
  const body = `
    const refused = (error) => error.message;
    return [
      await host.http.fetch(input.origin, { method: "DELETE" }).catch(refused),
      await host.http.fetch("http://127.0.0.1:1/").catch(refused),
      await host.http.fetch("no url").catch(refused),
    ];`;
  const result = await invoke(runtime, origin, body);
  expect(result).toMatchObject({
    kind: "ok",
    output: [expect.any(String), expect.any(String), expect.any(String)],
  });
  expect(requests).toEqual([]);
  expect(records.map(({ decision }) => decision).slice(0, 2)).toEqual(["denied", "denied"]);
});

test("a denied request that a guest does not catch ends its call with the line", async ({
  runtime,
  origin,
  calls,
  expect,
}) => {
  const result = await invoke(runtime, origin, 'await host.http.fetch("https://example.com/");');
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: expect.any(String) },
  });
  expect(calls).toMatchObject([{ outcome: "denied", hostCalls: 1, userId: "alice" }]);
});

test("a guest keeps values for its own user only, within its quota", async ({
  runtime,
  origin,
  expect,
}) => {
  const write = `
    await host.kv.set("a", "text é");
    await host.kv.set("b", Uint8Array.of(0, 255));
    const full = await host.kv.set("c", "x".repeat(2000)).catch((error) => error.message);
    return [await host.kv.getText("a"), [...(await host.kv.get("b"))], await host.kv.list(), full];`;
  expect(await invoke(runtime, origin, write)).toMatchObject({
    kind: "ok",
    output: ["text é", [0, 255], ["a", "b"], expect.stringMatching(/./u)],
  });
  const read = 'return [(await host.kv.getText("a")) ?? null, await host.kv.delete("a")];';
  expect(await invoke(runtime, origin, read, "bob")).toMatchObject({ output: [null, false] });
  expect(await invoke(runtime, origin, read)).toMatchObject({ output: ["text é", true] });
});

test("a guest reads what the operator configured", async ({ runtime, origin, expect }) => {
  const body = 'return [await host.config.get("UNIT"), (await host.config.get("NONE")) ?? null];';
  expect(await invoke(runtime, origin, body)).toMatchObject({ output: ["metric", null] });
});

test("calls of two users run in two processes under a policy that keeps them apart", async ({
  runtime,
  origin,
  expect,
}) => {
  await invoke(runtime, origin, "return 1;", "alice");
  await invoke(runtime, origin, "return 1;", "bob");
  const cordons = runtime.stats().processes.flatMap(({ cordon }) => cordon ?? []);
  expect(cordons.toSorted()).toEqual(["community/alice", "community/bob"]);
});

test("a skill that keeps being killed is out of use until it is released", async ({
  runtime,
  calls,
  expect,
}) => {
  const skill = createSkill({ body: "for (;;);", limits: { wallMs: 50 } });
  const call = { skill, tool: TOOL, input: {}, userId: "mallory" };
  for (let kill = 0; kill < 5; kill += 1) await runtime.invoke(call);
  expect(await runtime.invoke(call)).toMatchObject({ error: { code: "quarantined" } });
  expect(runtime.stats().quarantined).toMatchObject([{ digest: skill.digest, kills: 5 }]);
  runtime.release(skill.digest);
  expect(await runtime.invoke(call)).toMatchObject({ error: { code: "wall-time" } });
  expect(calls.map(({ outcome }) => outcome).filter((code) => code === "quarantined")).toHaveLength(
    1,
  );
});

test("a changed policy holds for calls from then on; a broken one leaves the last good one in force", async ({
  expect,
}) => {
  await using folder = await openTempDir();
  const file = path.join(folder.path, "p.yaml");
  await writeFile(file, policyText({ wallMs: 5_000, grants: "{ clock: true }" }));
  const notices: RuntimeNotice[] = [];
  await using runtime = await openRuntime({
    policyDir: folder.path,
    maxProcesses: 2,
    onNotice: (notice) => notices.push(notice),
  });
  const skill = createSkill({
    body: "return host.now() > 0;",
  });
  const call = { skill, tool: TOOL, input: {}, userId: "alice" };
  const first = await runtime.invoke(call);
  expect(first).toMatchObject({ kind: "ok", output: true });

  await writeFile(file, policyText({ wallMs: 5_000 }));
  await expect.poll(() => notices).toMatchObject([{ kind: "policies-loaded", policies: ["p"] }]);
  const second = await runtime.invoke(call);
  expect(second).toMatchObject({ kind: "error", error: { code: "denied" } });
  expect(second.policyHash).not.toBe(first.policyHash);

  await writeFile(file, "apiVersion: nonsense");
  await expect.poll(() => notices).toHaveLength(2);
  expect(notices[1]).toMatchObject({
    kind: "policies-rejected",
    message: expect.stringContaining("p.yaml"),
  });
  expect(await runtime.invoke(call)).toMatchObject({ policyHash: second.policyHash });
});
