import { test } from "vitest";
import { GuestStop } from "../../../../runtime/host/guest-stop.ts";
import { WasmKernel } from "../../../../runtime/host/wasm-kernel.ts";
import { answer, MemoryHostPort } from "../../../support/fakes/memory-host-port.ts";

const MEMORY_MIB = 8;

const openKernel = (host = new MemoryHostPort(), input = "") =>
  new WasmKernel(host, input, MEMORY_MIB);
const put = ({ blocks }: WasmKernel, text: string) => blocks.adopt(Buffer.from(text));
const read = ({ blocks }: WasmKernel, address: bigint) =>
  Buffer.from(blocks.at(address)).toString();

test("WasmKernel charges the names of variables as it does their values", ({ expect }) => {
  const host = new MemoryHostPort();
  const kernel = openKernel(host);
  const name = kernel.blocks.alloc(1_000_000n);
  const value = kernel.blocks.alloc(1n);
  const setVars = () => {
    for (let byte = 65; byte < 90; byte += 1) {
      kernel.blocks.storeU8(name, byte);
      kernel.setVar(name, value);
    }
  };
  expect(setVars).toThrow(GuestStop);
  expect(host.stops).toMatchObject([{ code: "memory" }]);
  expect(kernel.blocks.bytes).toBeLessThanOrEqual(MEMORY_MIB * 1_048_576);
});

test("WasmKernel gives back what a variable held, not what became of it since", ({ expect }) => {
  const kernel = openKernel();
  const value = put(kernel, "before");
  kernel.setVar(put(kernel, "name"), value);
  kernel.blocks.storeU8(value, 0x42);
  expect(read(kernel, kernel.getVar(put(kernel, "name")))).toBe("before");
  kernel.setVar(put(kernel, "name"), 0n);
  expect(kernel.getVar(put(kernel, "name"))).toBe(0n);
});

test("WasmKernel charges nothing for variables that are gone", ({ expect }) => {
  const kernel = openKernel();
  const [name, value] = [put(kernel, "name"), put(kernel, "value")];
  const before = kernel.blocks.bytes;
  for (let round = 0; round < 100_000; round += 1) kernel.setVar(name, value);
  kernel.setVar(name, 0n);
  expect(kernel.blocks.bytes).toBe(before);
});

test("WasmBlocks keeps each access inside its own block", ({ expect }) => {
  const kernel = openKernel(undefined, "input");
  const { blocks } = kernel;
  const address = blocks.alloc(8n);
  blocks.storeU64(address, -2n);
  expect(blocks.loadU64(address)).toBe(-2n);
  expect(blocks.loadU8(address + 7n)).toBe(0xff);
  const outside = [address + 8n, address - 1n, address + 2n ** 32n, 0n, -1n, 2n ** 63n - 1n];
  for (const bad of outside) {
    expect(() => blocks.loadU8(bad), `${bad}`).toThrow(RangeError);
    expect(() => blocks.storeU64(bad, 1n), `${bad}`).toThrow(RangeError);
  }
  expect(() => blocks.loadU64(address + 1n)).toThrow(RangeError);
  expect(() => kernel.inputLoadU8(5n)).toThrow(RangeError);
  expect(() => kernel.inputLoadU8(-1n)).toThrow(RangeError);
});

test.for([
  ["past its end", 0n, 9n],
  ["from past its end", 9n, 1n],
  ["of a negative length", 0n, -1n],
  ["of more than there can be", 4n, 2n ** 63n - 1n],
] as const)("WasmKernel takes no output %s", ([, offset, length], { expect }) => {
  const kernel = openKernel();
  const address = kernel.blocks.alloc(8n);
  expect(() => kernel.setOutput(address + offset, length)).toThrow(RangeError);
});

test("WasmBlocks gives the place of a freed block again, as zeros", ({ expect }) => {
  const { blocks } = openKernel();
  const held = blocks.bytes;
  const address = blocks.alloc(8n);
  blocks.storeU64(address, 7n);
  blocks.free(address);
  blocks.free(address);
  expect(blocks.bytes).toBe(held);
  expect(() => blocks.loadU8(address)).toThrow(RangeError);
  expect(blocks.loadU64(blocks.alloc(8n))).toBe(0n);
});

test("WasmBlocks halts a call that asks for more than its memory", ({ expect }) => {
  const host = new MemoryHostPort();
  const { blocks } = openKernel(host);
  for (const length of [-1n, 2n ** 62n, 9n * 1_048_576n]) {
    expect(() => blocks.alloc(length)).toThrow(GuestStop);
  }
  const fill = () => {
    for (;;) blocks.alloc(1n);
  };
  expect(fill).toThrow(GuestStop);
  expect(host.stops).toHaveLength(4);
});

test("WasmKernel reads the operator's values from the host", ({ expect }) => {
  const host = new MemoryHostPort({ config: () => answer({ value: "blue" }) });
  const kernel = openKernel(host);
  expect(read(kernel, kernel.getConfig(put(kernel, "color")))).toBe("blue");
  expect(host.asked).toEqual([{ name: "config", args: { name: "color" }, body: "" }]);
  const without = openKernel(new MemoryHostPort({ config: () => answer({ value: null }) }));
  expect(without.getConfig(put(without, "color"))).toBe(0n);
});

test("WasmKernel hands a request on, its secrets by name, and the answer back", ({ expect }) => {
  const headers = { "content-type": "text/plain" };
  const host = new MemoryHostPort({
    http: () => answer({ status: 201, headers, url: "" }, "made"),
  });
  const kernel = openKernel(host);
  const request = {
    url: "https://api.test/things",
    method: "POST",
    headers: { accept: "*/*", "Nexflow-Secret": "TOKEN, OTHER" },
  };
  expect(kernel.responseStatus()).toBe(0);
  const body = kernel.request(put(kernel, JSON.stringify(request)), put(kernel, "new"));
  expect(host.asked).toEqual([
    {
      name: "http",
      args: { ...request, headers: { accept: "*/*" }, secrets: ["TOKEN", "OTHER"] },
      body: "new",
    },
  ]);
  expect(read(kernel, body)).toBe("made");
  expect(kernel.responseStatus()).toBe(201);
  expect(JSON.parse(read(kernel, kernel.responseHeaders()))).toEqual(headers);
});

test("WasmKernel fails in the broker's words where a request is refused", ({ expect }) => {
  const kernel = openKernel();
  const request = put(kernel, '{"url":"https://elsewhere.test"}');
  expect(() => kernel.request(request, 0n)).toThrow('"http" is not granted');
  expect(kernel.responseStatus()).toBe(0);
  expect(kernel.responseHeaders()).toBe(0n);
});

test.for([
  "",
  "null",
  "[]",
  "{}",
  '{"url":1}',
  '{"url":"x","method":1}',
  '{"url":"x","headers":{"a":1}}',
  '{"url":"x","headers":"a"}',
])("WasmKernel asks for nothing when a request is %j", (text, { expect }) => {
  const host = new MemoryHostPort({ http: () => answer({ status: 200 }) });
  const kernel = openKernel(host);
  expect(() => kernel.request(put(kernel, text), 0n)).toThrow("Cannot read an http request");
  expect(host.asked).toEqual([]);
});

test("WasmKernel keeps values by key: found, empty, missing, deleted, listed", ({ expect }) => {
  const host = new MemoryHostPort({
    "kv-get": () => answer({ found: true }, ""),
    "kv-set": () => answer({}),
    "kv-delete": () => answer({ found: true }),
    "kv-list": () => answer({ keys: ["a", "b"] }),
  });
  const kernel = openKernel(host);
  const empty = kernel.getKey(put(kernel, "a"));
  expect(empty).not.toBe(0n);
  expect(kernel.blocks.length(empty)).toBe(0n);
  kernel.setKey(put(kernel, "a"), put(kernel, "value"));
  expect(kernel.deleteKey(put(kernel, "a"))).toBe(1n);
  expect(read(kernel, kernel.listKeys(0n))).toBe('["a","b"]');
  expect(host.asked).toEqual([
    { name: "kv-get", args: { key: "a" }, body: "" },
    { name: "kv-set", args: { key: "a" }, body: "value" },
    { name: "kv-delete", args: { key: "a" }, body: "" },
    { name: "kv-list", args: { prefix: "", limit: 1_000 }, body: "" },
  ]);
  const without = openKernel(
    new MemoryHostPort({
      "kv-get": () => answer({ found: false }),
      "kv-delete": () => answer({ found: false }),
    }),
  );
  expect(without.getKey(put(without, "a"))).toBe(0n);
  expect(without.deleteKey(put(without, "a"))).toBe(0n);
});

test("WasmKernel bounds what it hands to the host", ({ expect }) => {
  const host = new MemoryHostPort({ "kv-get": () => answer({ found: false }) });
  const kernel = openKernel(host);
  const long = kernel.blocks.alloc(3_000_000n);
  expect(() => kernel.getKey(long)).toThrow(RangeError);
  expect(host.asked).toEqual([]);
  kernel.log(long);
  expect(host.logs.map((text) => text.length)).toEqual([2 * 1_048_576]);
});
