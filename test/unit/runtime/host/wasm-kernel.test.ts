import { test } from "vitest";
import { GuestStop } from "../../../../runtime/host/guest-stop.ts";
import { HostCalls } from "../../../../runtime/host/host-calls.ts";
import { WasmKernel } from "../../../../runtime/host/wasm-kernel.ts";

const hostCalls = () =>
  new HostCalls({
    epoch: 1,
    call: 1,
    digest: "",
    tool: "try-it",
    limits: { memoryMiB: 8, outputKiB: 1, logKiB: 1, hostCalls: 1 },
    grants: {
      log: true,
      clock: false,
      random: false,
      config: false,
      http: false,
      kv: false,
      schedule: false,
    },
    startMs: 0,
    seed: "",
  });

test("WasmKernel charges the names of variables as it does their values", ({ expect }) => {
  const kernel = new WasmKernel("", 8, hostCalls());
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
