import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "vitest";
import type { ProcessStats } from "../../../runtime/index.ts";
import { findHostPid } from "../../../runtime/supervisor/layers/spawn-in-layers.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

const PARENT = `
  import { openRuntime } from "./runtime/index.ts";
  import { createSkill, TOOL } from "./runtime/proof/create-skill.ts";
  import { encodeModule, wasm } from "./runtime/proof/encode-module.ts";
  const runtime = await openRuntime({ policyDir: ${JSON.stringify(POLICY_DIR)}, minProcesses: 3, maxProcesses: 3 });
  const spin = [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)];
  for (const parts of [{ body: "for (;;);" }, { wasm: encodeModule({ functions: { try_it: spin } }) }]) {
    void runtime.invoke({ skill: createSkill(parts), tool: TOOL, input: {}, userId: "mallory" });
  }
  // The calls are in the pipes when the server dies: the loops begin, and no process reads its end.
  const isBusy = ({ state }) => state === "busy";
  while (runtime.stats().processes.filter(isBusy).length < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { processes } = runtime.stats();
  console.log(JSON.stringify(processes));`;

test("no sandbox process survives SIGKILL of its server, not even in a loop", async ({
  expect,
  onTestFinished,
}) => {
  const root = new URL("../../..", import.meta.url);
  const server = spawn(process.execPath, ["--input-type=module", "--eval", PARENT], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void server.kill("SIGKILL"));
  const [line] = await once(server.stdout, "data");
  const processes: readonly ProcessStats[] = JSON.parse(String(line));
  expect(processes.map(({ state }) => state).toSorted()).toEqual(["busy", "busy", "spare"]);
  const started = processes.map(({ pid }) => pid);
  // In a PID namespace the one that runs the guest is a child of the one we started.
  const pids = [...started, ...(await Promise.all(started.map(findHostPid)))];
  server.kill("SIGKILL");
  await once(server, "exit");
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000, interval: 5 }).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
