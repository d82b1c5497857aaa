import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import createPlugin from "@extism/extism";
import { test } from "vitest";
import type { HostAnswer } from "../../../runtime/host/host-port.ts";
import { WasmKernel } from "../../../runtime/host/wasm-kernel.ts";
import { WasmPlugin } from "../../../runtime/host/wasm-plugin.ts";
import { WasmWasi } from "../../../runtime/host/wasm-wasi.ts";
import { type JsonValue, openRuntime } from "../../../runtime/index.ts";
import { CATALOG_DIR, loadSkill, toSkillCode } from "../../../skills-registry/index.ts";
import { compileAssembly } from "../../support/compile-assembly.ts";
import { answer, MemoryHostPort, NOTHING_GRANTED } from "../../support/fakes/memory-host-port.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

/*
 * Our own kernel speaks the Extism ABI. What a plugin made with an Extism PDK answers through it
 * is what it answers through Extism's own SDK.
 */

const EXPRESSIONS = ["2+2", "0.1+0.2", "100!", "2^-3", "sqrt(2)", "(1+", "1/0", "9^9^9^9", "π", ""];

const CASES: readonly (readonly [name: string, input: string])[] = [
  ["echo", ""],
  ["echo", "plain text"],
  ["echo", "ж → 🦀 \u0000 end"],
  ["echo", "long ".repeat(30_001)],
  ["silence", "x"],
  ["config", "color"],
  ["config", "shape"],
  ["variables", "name"],
  ["variables", "__proto__"],
  ["fail", "input"],
  ["fail_late", ""],
  ["abort_it", ""],
  ["log_it", "a line"],
  ["blocks", ""],
  ["load_past_end", ""],
  ["store_past_end", ""],
  ["load_freed", ""],
  ["output_past_end", ""],
  ["output_of_nothing", ""],
  ["no_such_export", ""],
];

const MEMORY_MIB = 16;
const CONFIG: Readonly<Record<string, string>> = { color: "blue" };

const wasm = await compileAssembly(
  await readFile(new URL("../../fixtures/plugins/extism-abi.as", import.meta.url), "utf8"),
);

test.for(CASES)("%s(%j) ends as in Extism's own SDK", async ([name, input], { expect }) => {
  const theirs = await answerOfExtism({ wasm, name, input });
  expect(answerOfOurs({ wasm, name, input })).toEqual(theirs);
});

test.for(["fail", "fail_late"])("%s() fails in the plugin's own words", (name, { expect }) => {
  const ours = errorOfOurs({ wasm, name, input: "so it is" });
  expect(ours).toBe(name === "fail" ? "went wrong: so it is" : "after all");
});

test("a request gets what it gets in Extism's own SDK", async ({ expect }) => {
  await using server = await openEchoServer();
  const call = { wasm, name: "request", input: server.url };
  const theirs = await answerOfExtism(call);
  const http = answer({ status: 201, headers: {}, url: server.url }, "POST yes ping");
  const host = new MemoryHostPort({ http: () => http });
  expect(answerOfOurs(call, host)).toEqual(theirs);
  expect(theirs).toEqual({ kind: "ok", output: "201:POST yes ping" });
  const args = { url: server.url, method: "POST", headers: { "x-test": "yes" }, secrets: [] };
  expect(host.asked).toEqual([{ name: "http", args, body: "ping" }]);
});

test("a request that nobody grants fails as in Extism's own SDK", async ({ expect }) => {
  const call = { wasm, name: "request", input: "http://elsewhere.test/" };
  const theirs = await answerOfExtism(call);
  expect(theirs.kind).toBe("error");
  expect(answerOfOurs(call)).toEqual(theirs);
});

test("a plugin answers in the runtime as in Extism's own SDK", async ({ expect }) => {
  const folder = path.join(CATALOG_DIR, "calculator");
  const calculator = await readFile(path.join(folder, "dist/calculator.wasm"));
  const skill = toSkillCode(await loadSkill(folder));
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, minProcesses: 1 });
  for (const expression of EXPRESSIONS) {
    const input = { expression };
    const call = { wasm: calculator, name: "evaluate", input: JSON.stringify(input) };
    const [theirs, ours] = [
      await answerOfExtism(call),
      await runtime.invoke({ skill, tool: "evaluate", input, userId: "test" }),
    ];
    const expected =
      theirs.kind === "ok" ? { ...theirs, output: JSON.parse(theirs.output) } : theirs;
    expect(ours, expression).toMatchObject(expected);
  }
});

interface PluginCall {
  readonly wasm: Uint8Array;
  readonly name: string;
  readonly input: string;
}

type Answer = { readonly kind: "ok"; readonly output: string } | { readonly kind: "error" };

async function answerOfExtism({ wasm: data, name, input }: PluginCall): Promise<Answer> {
  // Only its worker serves http.
  const options = { useWasi: false, runInWorker: name === "request", allowedHosts: ["127.0.0.1"] };
  const plugin = await createPlugin({ wasm: [{ data }] }, { ...options, config: { ...CONFIG } });
  try {
    const output = await plugin.call(name, input);
    return { kind: "ok", output: output?.text() ?? "" };
  } catch {
    return { kind: "error" };
  } finally {
    await plugin.close();
  }
}

function answerOfOurs(call: PluginCall, host?: MemoryHostPort): Answer {
  try {
    return { kind: "ok", output: outputOfOurs(call, host) };
  } catch {
    return { kind: "error" };
  }
}

function errorOfOurs(call: PluginCall): string | undefined {
  try {
    outputOfOurs(call);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function outputOfOurs(
  { wasm: code, name, input }: PluginCall,
  host: MemoryHostPort = new MemoryHostPort({ config: toConfig }),
): string {
  const plugin = new WasmPlugin(code, MEMORY_MIB);
  const kernel = new WasmKernel(host, input, MEMORY_MIB);
  const wasi = new WasmWasi(host, NOTHING_GRANTED, () => plugin.memory);
  plugin.run({ kernel, wasi }, name);
  return Buffer.from(kernel.output).toString();
}

function toConfig(args: JsonValue): HostAnswer {
  const { name } = args as { readonly name: string };
  return answer({ value: CONFIG[name] ?? null });
}

/** Tells what it was sent: method, the header "x-test", body. */
async function openEchoServer() {
  const server = createServer((request, response) => {
    const { method, headers } = request;
    request.setEncoding("utf8").on("data", (body: string) => {
      response.writeHead(201).end(`${method} ${String(headers["x-test"])} ${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => server.close(resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await close();
    },
  };
}
