import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/built-program-setup.ts", "test/support/postgres-setup.ts"],
    // Real processes and sockets: two files at a time suit a machine of two cores.
    maxWorkers: 2,
    // These end what hangs, on a machine that does other things too; how long something may take
    // is said where it is tested.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for is waited for: a second is not long on a machine that does other things.
    expect: { poll: { timeout: 15_000 } },
  },
});
