import { test } from "vitest";
import { GuestStop } from "../../../../runtime/host/guest-stop.ts";
import type { HostPort } from "../../../../runtime/host/host-port.ts";
import { WasmKernel } from "../../../../runtime/host/wasm-kernel.ts";

const refuse = () => {
  throw new Error("No host");
};
const port: HostPort = {
  log: refuse,
  now: refuse,
  random: refuse,
  ask: refuse,
  halt: (stop) => stop,
};

test("WasmKernel charges the names of variables as it does their values", ({ expect }) => {
  const kernel = new WasmKernel("", 8, port);
  const { alloc, store_u8, var_set } = kernel.imports()["extism:host/env"] as Record<
    string,
    (...args: unknown[]) => bigint
  >;
  const name = alloc?.(1_000_000n) ?? 0n;
  const value = alloc?.(1n);
  const setVars = () => {
    for (let byte = 65; byte < 90; byte += 1) {
      store_u8?.(name, byte);
      var_set?.(name, value);
    }
  };
  expect(setVars).toThrow(GuestStop);
  expect(kernel.bytes).toBeLessThanOrEqual(8 * 1_048_576);
});
