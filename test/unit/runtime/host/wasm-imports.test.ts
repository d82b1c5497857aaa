import { WASI } from "node:wasi";
import { test } from "vitest";
import { GuestStop } from "../../../../runtime/host/guest-stop.ts";
import { admitImport, checkGrants } from "../../../../runtime/host/wasm-imports.ts";
import { NOTHING_GRANTED } from "../../../support/fakes/memory-host-port.ts";

const NO_SUCH_TYPE = "ffff:f";

/** The functions that Extism's kernel exports to plugins, with the types it has. */
const EXTISM = {
  alloc: "I:I",
  free: "I:",
  length: "I:I",
  length_unsafe: "I:I",
  load_u8: "I:i",
  load_u64: "I:I",
  store_u8: "Ii:",
  store_u64: "II:",
  input_offset: ":I",
  input_length: ":I",
  input_load_u8: "I:i",
  input_load_u64: "I:I",
  output_set: "II:",
  error_set: "I:",
  config_get: "I:I",
  var_get: "I:I",
  var_set: "II:",
  http_request: "II:I",
  http_status_code: ":i",
  http_headers: ":I",
  log_trace: "I:",
  log_debug: "I:",
  log_info: "I:",
  log_warn: "I:",
  log_error: "I:",
  get_log_level: ":i",
};

test.for(Object.entries(EXTISM))(
  "a plugin may import Extism's %s as %s",
  ([name, type], { expect }) => {
    const found = { module: "extism:host/env", name, at: 0 };
    expect(() => admitImport(found, type)).not.toThrow();
    expect(() => admitImport(found, NO_SUCH_TYPE)).toThrow(GuestStop);
  },
);

test("a plugin may import every function of WASI preview 1, with one type", ({ expect }) => {
  const { wasiImport } = new WASI({ version: "preview1" });
  const names = Object.keys(wasiImport ?? {});
  expect(names).toContain("fd_write");
  for (const name of names) {
    const found = { module: "wasi_snapshot_preview1", name, at: 0 };
    expect(() => admitImport(found, NO_SUCH_TYPE), name).toThrow(/: expected \([^)]*\) -> \(/u);
  }
});

const OWN = {
  now: ":I",
  random: ":I",
  kv_get: "I:I",
  kv_set: "II:",
  kv_delete: "I:I",
  kv_list: "I:I",
};

test.for([
  ["now", "clock"],
  ["random", "random"],
  ["kv_get", "kv"],
  ["kv_set", "kv"],
  ["kv_delete", "kv"],
  ["kv_list", "kv"],
] as const)("checkGrants() denies %s without %s", ([name, grant], { expect }) => {
  const type = OWN[name];
  const imports = [admitImport({ module: "extism:host/user", name, at: 0 }, type)];
  const denial = `The module imports "${name}": "${grant}" is not granted`;
  expect(() => checkGrants(imports, NOTHING_GRANTED)).toThrow(denial);
  expect(() => checkGrants(imports, { ...NOTHING_GRANTED, [grant]: true })).not.toThrow();
});
