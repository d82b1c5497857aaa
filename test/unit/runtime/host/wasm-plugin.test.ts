import { test } from "vitest";
import { WasmKernel } from "../../../../runtime/host/wasm-kernel.ts";
import { WasmPlugin } from "../../../../runtime/host/wasm-plugin.ts";
import { WasmWasi } from "../../../../runtime/host/wasm-wasi.ts";
import {
  encodeModule,
  type WasmImport,
  type WasmParts,
  wasm,
} from "../../../../runtime/proof/encode-module.ts";
import type { Grant } from "../../../../runtime/protocol.ts";
import { MemoryHostPort, NOTHING_GRANTED } from "../../../support/fakes/memory-host-port.ts";

const MEMORY_MIB = 1;
const NOTHING = NOTHING_GRANTED;
const PAGE = 65_536;
const OK = 0;
const EBADF = 8;
const EFAULT = 21;
const EINVAL = 28;
const ENOSYS = 52;

const load = (parts: WasmParts) =>
  new WasmPlugin(encodeModule({ memories: [[0, 1]], ...parts }), MEMORY_MIB);

/** What a call ends with: its error, or nothing. */
function call(
  plugin: WasmPlugin,
  host = new MemoryHostPort(),
  grants = NOTHING,
): string | undefined {
  const kernel = new WasmKernel(host, "", MEMORY_MIB);
  const wasi = new WasmWasi(host, grants, () => plugin.memory);
  try {
    plugin.run({ kernel, wasi }, "try_it");
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    plugin.release();
  }
}

const COUNT = [
  ...wasm.i32(0),
  ...wasm.i32(0),
  ...wasm.load,
  ...wasm.i32(1),
  ...wasm.add,
  ...wasm.store,
];

test("WasmPlugin gives every call an instance of its own, made ahead or not", ({ expect }) => {
  const plugin = load({ functions: { try_it: [...COUNT, ...wasm.i32(0), ...wasm.load] } });
  const calls = [1, 2, 3, 4, 5].map((number) => {
    if (number % 2 === 0) plugin.prepare();
    return call(plugin);
  });
  expect(new Set(calls)).toEqual(new Set(["Error: The tool returned 1"]));
});

test("WasmPlugin runs the start function in the call, never ahead of it", ({ expect }) => {
  const write = wasi("fd_write", "iiii:i");
  const functions = {
    try_it: wasm.i32(0),
    begin: [...wasm.i32(1), ...wasm.i32(0), ...wasm.i32(1), ...wasm.i32(8), ...wasm.call(0)],
  };
  // It gives a number, which a start function may not; as an export it may.
  const plugin = load({ imports: [write], data: HELLO, functions, start: 2 });
  const host = new MemoryHostPort();
  plugin.prepare();
  expect(host.logs).toEqual([]);
  expect(call(plugin, host)).toBeUndefined();
  expect(host.logs).toEqual(["hello"]);
});

test("WasmPlugin lets an instance fail in its call that cannot be made ahead", ({ expect }) => {
  const plugin = load({
    data: Array.from({ length: PAGE + 1 }, () => 1),
    functions: { try_it: [0] },
  });
  plugin.prepare();
  expect(call(plugin)).toContain("RuntimeError");
});

test("WasmPlugin says which export is missing", ({ expect }) => {
  const plugin = load({ functions: { other: wasm.i32(0) } });
  expect(call(plugin)).toContain('exports no function "try_it"');
});

/** A vector of one chunk at byte 16, what was written at byte 8. */
const HELLO = [16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from("hello\n")];

function wasi(name: string, type: string): WasmImport {
  return { kind: "function", module: "wasi_snapshot_preview1", name, type };
}

/** What a WASI function gives back to the plugin; its arguments are numbers. */
function resultOf(
  name: string,
  type: string,
  { args, host, grants, parts = {} }: WasiCall,
): number {
  const pushed = Array.from(args, (arg, index) =>
    type[index] === "I" ? wasm.i64(arg) : wasm.i32(arg),
  );
  const functions = { try_it: [...pushed.flat(), ...wasm.call(0)] };
  const plugin = load({ imports: [wasi(name, type)], data: HELLO, functions, ...parts });
  const error = call(plugin, host, grants);
  return Number(
    /^Error: The tool returned (\d+)$/u.exec(error ?? "Error: The tool returned 0")?.[1],
  );
}

interface WasiCall {
  readonly args: readonly number[];
  readonly host?: MemoryHostPort;
  readonly grants?: Readonly<Record<Grant, boolean>>;
  readonly parts?: WasmParts;
}

test("fd_write puts what goes to the terminal into the log, up to a line's end", ({ expect }) => {
  const host = new MemoryHostPort();
  for (const fd of [1, 2]) {
    expect(resultOf("fd_write", "iiii:i", { args: [fd, 0, 1, 8], host })).toBe(OK);
  }
  expect(host.logs).toEqual(["hello", "hello"]);
});

test("fd_write cuts off what is more than any call may log", ({ expect }) => {
  const host = new MemoryHostPort();
  const chunk = [16, 0, 0, 0, 0, 128, 0, 0];
  const data = Array.from({ length: 1_000 }, () => chunk).flat();
  expect(resultOf("fd_write", "iiii:i", { args: [1, 0, 1_000, 8], host, parts: { data } })).toBe(
    OK,
  );
  expect(host.logs.map(({ length }) => length)).toEqual([2 * 1_048_576]);
});

test.for([
  ["another file", "fd_write", "iiii:i", [3, 0, 1, 8], EBADF],
  ["chunks past memory", "fd_write", "iiii:i", [1, PAGE - 4, 1, 8], EFAULT],
  ["a chunk that ends past memory", "fd_write", "iiii:i", [1, 16, 1, 8], EFAULT],
  ["too many chunks", "fd_write", "iiii:i", [1, 0, -1, 8], EINVAL],
  ["a count past memory", "fd_write", "iiii:i", [1, 0, 1, -1], EFAULT],
  ["input", "fd_read", "iiii:i", [0, 0, 1, 8], EBADF],
  ["a preopened folder", "fd_prestat_get", "ii:i", [3, 0], EBADF],
  ["a path", "path_open", "iiiiiIIii:i", [3, 0, 16, 5, 0, 0, 0, 0, 0], EBADF],
  ["a link", "path_symlink", "iiiii:i", [16, 5, 3, 16, 5], EBADF],
  ["a socket", "sock_send", "iiiii:i", [4, 0, 1, 0, 0], EBADF],
  ["a wait", "poll_oneoff", "iiii:i", [0, 0, 1, 0], ENOSYS],
  ["a signal", "proc_raise", "i:i", [9], ENOSYS],
  ["the clock", "clock_time_get", "iIi:i", [0, 0, 0], ENOSYS],
  ["the clock's steps", "clock_res_get", "ii:i", [0, 0], ENOSYS],
  ["dice", "random_get", "ii:i", [0, 8], ENOSYS],
  ["what stands at a file's end", "fd_seek", "iIii:i", [3, 0, 0, 0], EBADF],
  ["arguments past memory", "args_sizes_get", "ii:i", [0, PAGE - 3], EFAULT],
  ["a terminal past memory", "fd_fdstat_get", "ii:i", [1, PAGE - 23], EFAULT],
  ["a turn for others", "sched_yield", ":i", [], OK],
] as const)(
  "WASI gives a plugin without grants no %s",
  ([, name, type, args, result], { expect }) => {
    const host = new MemoryHostPort();
    expect(resultOf(name, type, { args, host })).toBe(result);
    expect(host.logs).toEqual([]);
  },
);

test("WASI writes nowhere when a plugin exports no memory", ({ expect }) => {
  const parts = { memories: [], data: undefined };
  expect(resultOf("args_sizes_get", "ii:i", { args: [0, 4], parts })).toBe(EFAULT);
});

/** The number at byte 0 after a call of the function. */
function writtenBy(name: string, type: string, args: readonly number[]): number {
  const pushed = Array.from(args, (arg, index) =>
    type[index] === "I" ? wasm.i64(arg) : wasm.i32(arg),
  );
  const code = [...pushed.flat(), ...wasm.call(0), ...wasm.drop, ...wasm.i32(0), ...wasm.load];
  const plugin = load({
    imports: [wasi(name, type)],
    data: [1, 1, 1, 1],
    functions: { try_it: code },
  });
  const error = call(plugin, undefined, { ...NOTHING, clock: true, random: true });
  return Number(/(-?\d+)$/u.exec(error ?? "0")?.[1]);
}

test.for([
  ["no arguments", "args_sizes_get", "ii:i", [0, 4], 0],
  ["no variables", "environ_sizes_get", "ii:i", [4, 0], 0],
  ["the granted time", "clock_time_get", "iIi:i", [0, 0, 0], 1_234_000_000],
  ["the clock's steps", "clock_res_get", "ii:i", [1, 0], 1_000_000],
  ["a terminal", "fd_fdstat_get", "ii:i", [1, 0], 2],
  ["the first of the dice", "random_get", "ii:i", [0, 4], 1],
] as const)(
  "WASI tells a plugin with grants of %s",
  ([, name, type, args, written], { expect }) => {
    expect(writtenBy(name, type, args)).toBe(written);
  },
);

test("random_get draws 32 bytes at most, however many it gives", ({ expect }) => {
  const host = new MemoryHostPort();
  const grants = { ...NOTHING, random: true };
  expect(resultOf("random_get", "ii:i", { args: [0, 1_000], host, grants })).toBe(OK);
  expect(host.random()).toBe(5n);
  expect(resultOf("random_get", "ii:i", { args: [0, PAGE], host, grants })).toBe(OK);
  expect(resultOf("random_get", "ii:i", { args: [1, PAGE], host, grants })).toBe(EFAULT);
  expect(resultOf("random_get", "ii:i", { args: [0, PAGE + 1], host, grants })).toBe(EINVAL);
});

test.for([
  [0, undefined],
  [3, "Error: The plugin exited with 3"],
] as const)("proc_exit(%i) ends the call", ([code, error], { expect }) => {
  const exit = [...wasm.i32(code), ...wasm.call(0), ...wasm.unreachable];
  const plugin = load({ imports: [wasi("proc_exit", "i:")], functions: { try_it: exit } });
  expect(call(plugin)).toBe(error);
});
