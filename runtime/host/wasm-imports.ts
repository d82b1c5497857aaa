import type { Grant } from "../protocol.ts";
import { GuestStop } from "./guest-stop.ts";
import type { WasmKernel } from "./wasm-kernel.ts";
import { quote, refusal } from "./wasm-reader.ts";
import { describeType, type WasmType } from "./wasm-type.ts";
import { badFile, ENOSYS, type WasmWasi } from "./wasm-wasi.ts";

/** A function that a module imports, declared at byte `at`. */
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly at: number;
}

/** One that this host has. */
export interface AdmittedImport extends ModuleImport {
  /** What a call must be granted for the module to run at all. */
  readonly grant: Grant | undefined;
}

/** Who serves the imports: they are made once for a module and find the running call here. */
export interface WasmSeat {
  readonly kernel: WasmKernel;
  readonly wasi: WasmWasi;
}

/** Throws `GuestStop` unless this host has the function, with that type. */
export function admitImport(asked: ModuleImport, type: WasmType | undefined): AdmittedImport {
  const { module, name, at } = asked;
  const found = findFunction(module, name);
  if (found === undefined) {
    const what = `the module imports ${quote(`${module}.${name}`)}, which no host has`;
    throw refusal(at, `${what}: expected a function of Extism or WASI`, { code: "denied" });
  }
  if (type !== found.type) {
    const declared = type === undefined ? "without a type" : `as ${describeType(type)}`;
    const expected = `expected ${describeType(found.type)}`;
    throw refusal(at, `the module imports ${quote(`${module}.${name}`)} ${declared}: ${expected}`);
  }
  return { ...asked, grant: found.grant };
}

/** Throws `GuestStop` where a module imports what only a grant gives, and it is not granted. */
export function checkGrants(
  imports: readonly AdmittedImport[],
  grants: Readonly<Record<Grant, boolean>>,
): void {
  for (const { name, grant } of imports) {
    if (grant !== undefined && !grants[grant]) {
      throw new GuestStop("denied", `The module imports "${name}": "${grant}" is not granted`);
    }
  }
}

/** The functions that `imports` names, served by whoever has the seat when they are called. */
export function linkImports(imports: readonly ModuleImport[], seat: WasmSeat): WebAssembly.Imports {
  const linked: Record<string, Record<string, unknown>> = {};
  for (const { module, name } of imports) {
    linked[module] ??= {};
    linked[module][name] = findFunction(module, name)?.link(seat);
  }
  return linked;
}

interface HostFunctionEntry {
  readonly type: WasmType;
  /** Needed to import it at all; the others are decided when they are called. */
  readonly grant?: Grant;
  readonly link: (seat: WasmSeat) => (...args: never[]) => unknown;
}

type Entries = Readonly<Record<string, HostFunctionEntry>>;

const log: HostFunctionEntry = {
  type: "I:",
  link: (seat) => (text: bigint) => seat.kernel.log(text),
};
const length: HostFunctionEntry = {
  type: "I:I",
  link: (seat) => (address: bigint) => seat.kernel.blocks.length(address),
};

const EXTISM: Entries = {
  alloc: { type: "I:I", link: (seat) => (bytes: bigint) => seat.kernel.blocks.alloc(bytes) },
  free: { type: "I:", link: (seat) => (address: bigint) => seat.kernel.blocks.free(address) },
  length,
  length_unsafe: length,
  load_u8: {
    type: "I:i",
    link: (seat) => (address: bigint) => seat.kernel.blocks.loadU8(address),
  },
  load_u64: {
    type: "I:I",
    link: (seat) => (address: bigint) => seat.kernel.blocks.loadU64(address),
  },
  store_u8: {
    type: "Ii:",
    link: (seat) => (address: bigint, value: number) => seat.kernel.blocks.storeU8(address, value),
  },
  store_u64: {
    type: "II:",
    link: (seat) => (address: bigint, value: bigint) => seat.kernel.blocks.storeU64(address, value),
  },
  input_offset: { type: ":I", link: (seat) => () => seat.kernel.inputAddress() },
  input_length: { type: ":I", link: (seat) => () => seat.kernel.inputLength() },
  input_load_u8: {
    type: "I:i",
    link: (seat) => (offset: bigint) => seat.kernel.inputLoadU8(offset),
  },
  input_load_u64: {
    type: "I:I",
    link: (seat) => (offset: bigint) => seat.kernel.inputLoadU64(offset),
  },
  output_set: {
    type: "II:",
    link: (seat) => (address: bigint, bytes: bigint) => seat.kernel.setOutput(address, bytes),
  },
  error_set: { type: "I:", link: (seat) => (address: bigint) => seat.kernel.setError(address) },
  config_get: { type: "I:I", link: (seat) => (name: bigint) => seat.kernel.getConfig(name) },
  var_get: { type: "I:I", link: (seat) => (name: bigint) => seat.kernel.getVar(name) },
  var_set: {
    type: "II:",
    link: (seat) => (name: bigint, value: bigint) => seat.kernel.setVar(name, value),
  },
  http_request: {
    type: "II:I",
    link: (seat) => (request: bigint, body: bigint) => seat.kernel.request(request, body),
  },
  http_status_code: { type: ":i", link: (seat) => () => seat.kernel.responseStatus() },
  http_headers: { type: ":I", link: (seat) => () => seat.kernel.responseHeaders() },
  log_trace: log,
  log_debug: log,
  log_info: log,
  log_warn: log,
  log_error: log,
  get_log_level: { type: ":i", link: () => () => 0 },
};

const OWN: Entries = {
  now: { type: ":I", grant: "clock", link: (seat) => () => seat.kernel.now() },
  random: { type: ":I", grant: "random", link: (seat) => () => seat.kernel.random() },
  kv_get: { type: "I:I", grant: "kv", link: (seat) => (key: bigint) => seat.kernel.getKey(key) },
  kv_set: {
    type: "II:",
    grant: "kv",
    link: (seat) => (key: bigint, value: bigint) => seat.kernel.setKey(key, value),
  },
  kv_delete: {
    type: "I:I",
    grant: "kv",
    link: (seat) => (key: bigint) => seat.kernel.deleteKey(key),
  },
  kv_list: {
    type: "I:I",
    grant: "kv",
    link: (seat) => (prefix: bigint) => seat.kernel.listKeys(prefix),
  },
};

const noFile = (type: WasmType): HostFunctionEntry => ({ type, link: () => badFile });
const notThere = (type: WasmType): HostFunctionEntry => ({ type, link: () => () => ENOSYS });

const WASI: Entries = {
  args_get: { type: "ii:i", link: () => () => 0 },
  args_sizes_get: wasiStrings(),
  environ_get: { type: "ii:i", link: () => () => 0 },
  environ_sizes_get: wasiStrings(),
  clock_res_get: {
    type: "ii:i",
    link: (seat) => (clock: number, at: number) => seat.wasi.clockResolution(clock, at),
  },
  clock_time_get: {
    type: "iIi:i",
    link: (seat) => (clock: number, _precision: bigint, at: number) =>
      seat.wasi.clockTime(clock, at),
  },
  random_get: {
    type: "ii:i",
    link: (seat) => (at: number, bytes: number) => seat.wasi.random(at, bytes),
  },
  proc_exit: { type: "i:", link: (seat) => (code: number) => seat.wasi.exit(code) },
  proc_raise: notThere("i:i"),
  sched_yield: { type: ":i", link: () => () => 0 },
  poll_oneoff: notThere("iiii:i"),
  fd_write: {
    type: "iiii:i",
    link: (seat) => (fd: number, iovecs: number, count: number, at: number) =>
      seat.wasi.write(fd, iovecs, count, at),
  },
  fd_fdstat_get: {
    type: "ii:i",
    link: (seat) => (fd: number, at: number) => seat.wasi.describe(fd, at),
  },
  fd_seek: { type: "iIii:i", link: (seat) => (fd: number) => seat.wasi.seek(fd) },
  fd_tell: { type: "ii:i", link: (seat) => (fd: number) => seat.wasi.seek(fd) },
  fd_close: { type: "i:i", link: (seat) => (fd: number) => seat.wasi.close(fd) },
  fd_advise: noFile("iIIi:i"),
  fd_allocate: noFile("iII:i"),
  fd_datasync: noFile("i:i"),
  fd_fdstat_set_flags: noFile("ii:i"),
  fd_fdstat_set_rights: noFile("iII:i"),
  fd_filestat_get: noFile("ii:i"),
  fd_filestat_set_size: noFile("iI:i"),
  fd_filestat_set_times: noFile("iIIi:i"),
  fd_pread: noFile("iiiIi:i"),
  fd_prestat_get: noFile("ii:i"),
  fd_prestat_dir_name: noFile("iii:i"),
  fd_pwrite: noFile("iiiIi:i"),
  fd_read: noFile("iiii:i"),
  fd_readdir: noFile("iiiIi:i"),
  fd_renumber: noFile("ii:i"),
  fd_sync: noFile("i:i"),
  path_create_directory: noFile("iii:i"),
  path_filestat_get: noFile("iiiii:i"),
  path_filestat_set_times: noFile("iiiiIIi:i"),
  path_link: noFile("iiiiiii:i"),
  path_open: noFile("iiiiiIIii:i"),
  path_readlink: noFile("iiiiii:i"),
  path_remove_directory: noFile("iii:i"),
  path_rename: noFile("iiiiii:i"),
  path_symlink: noFile("iiiii:i"),
  path_unlink_file: noFile("iii:i"),
  sock_accept: noFile("iii:i"),
  sock_recv: noFile("iiiiii:i"),
  sock_send: noFile("iiiii:i"),
  sock_shutdown: noFile("ii:i"),
};

function wasiStrings(): HostFunctionEntry {
  return {
    type: "ii:i",
    link: (seat) => (countAt: number, bytesAt: number) => seat.wasi.noStrings(countAt, bytesAt),
  };
}

const MODULES: Readonly<Record<string, Entries>> = {
  "extism:host/env": EXTISM,
  "extism:host/user": OWN,
  wasi_snapshot_preview1: WASI,
};

function findFunction(module: string, name: string): HostFunctionEntry | undefined {
  const entries = Object.hasOwn(MODULES, module) ? MODULES[module] : undefined;
  return entries !== undefined && Object.hasOwn(entries, name) ? entries[name] : undefined;
}
