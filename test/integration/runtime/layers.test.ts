import { once } from "node:events";
import { chmod, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import process from "node:process";
import { describe, type ExpectStatic, test } from "vitest";
import { sandboxFlags } from "../../../runtime/supervisor/host-flags.ts";
import { detectLayers } from "../../../runtime/supervisor/layers/detect-layers.ts";
import type { LayerName } from "../../../runtime/supervisor/layers/layers.ts";
import { LAYER_NAMES } from "../../../runtime/supervisor/layers/layers.ts";
import { runTrial } from "../../../runtime/supervisor/layers/run-trial.ts";
import {
  spawnInLayers,
  wasOutOfMemory,
} from "../../../runtime/supervisor/layers/spawn-in-layers.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const layers = await detectLayers();

/**
 * Each test runs code as an attacker has it who broke out of the engine and of Node's permissions:
 * in a plain Node inside the layers. A host without the layer must say so, with the reason.
 */
function proves(name: LayerName, prove: (expect: ExpectStatic) => Promise<void>): void {
  const state = layers.states.find((each) => each.name === name);
  test(`${name} ${state?.isInForce ? "holds" : "is reported as missing"}`, async ({ expect }) => {
    if (state?.isInForce === true) return prove(expect);
    expect(state?.detail).toMatch(/: ./u);
  });
}

interface Death {
  readonly output: string;
  readonly signal: string | null;
  readonly isOutOfMemory: boolean;
}

/** Runs a script that writes to stdout, until its process is gone. */
async function breakOut(script: string, flags: readonly string[] = []): Promise<Death> {
  const child = spawnInLayers(layers, [...flags, "--eval", script]);
  child.stdin.on("error", () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.resume();
  await once(child, "close");
  const output = Buffer.concat(chunks).toString().trim();
  return { output, signal: child.signalCode, isOutOfMemory: wasOutOfMemory(child) };
}

const outputOf = async (script: string) => (await breakOut(script)).output;

/** What an expression comes to: its value, or the code of its error. */
const tryOut = (code: string) =>
  outputOf(`try { console.log(String(${code})); } catch (error) { console.log(error.code); }`);

const statusOf = () =>
  outputOf('console.log(require("fs").readFileSync("/proc/self/status", "utf8"))');

test("detectLayers() tells of every layer, in force or not, and why", ({ expect }) => {
  expect(layers.states.map(({ name }) => name)).toEqual([...LAYER_NAMES]);
  expect(layers.states.filter(({ detail }) => detail === "")).toEqual([]);
  const engine = layers.states.slice(0, 3);
  expect(engine.filter(({ isInForce }) => !isInForce)).toEqual([]);
});

test("runTrial() tells why a launcher does not work", async ({ expect }) => {
  const options = { flags: sandboxFlags(), addon: import.meta.filename };
  expect(await runTrial({ launcher: ["/nowhere/unshare"] }, options)).toMatchObject({
    kind: "failed",
  });
  expect(await runTrial({ launcher: [] }, options)).toMatchObject({
    kind: "failed",
    reason: "its own program cannot be read: ERR_ACCESS_DENIED",
  });
});

describe("a process inside the layers", () => {
  proves("no-network", async (expect) => {
    const listener = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const connect = (host: string) =>
      outputOf(`require("net").connect(${port}, "${host}")
        .on("connect", () => { console.log("connected"); process.exit(); })
        .on("error", ({ code }) => console.log(code));`);
    expect(await connect("127.0.0.1")).toBe("ENETUNREACH");
    expect(await connect("192.0.2.1")).toBe("ENETUNREACH");
    const asked = `require("dgram").createSocket("udp4")
      .send("?", 53, "127.0.0.53", (error) => { console.log(error?.code); process.exit(); });`;
    expect(await outputOf(asked)).toBe("ENETUNREACH");
    listener.close();
  });

  proves("no-system-files", async (expect) => {
    for (const file of ["/etc/passwd", "/etc/hostname", `/proc/${process.pid}/cmdline`]) {
      expect(await tryOut(`require("fs").readFileSync("${file}")`)).toBe("EACCES");
    }
    expect(await tryOut('require("fs").readdirSync("/")')).toBe("EACCES");
    expect(await tryOut('require("fs").mkdirSync("/tmp/nexflow-made")')).toBe("EACCES");
  });

  proves("no-signals", async (expect) => {
    expect(await tryOut(`process.kill(${process.pid}, 0)`)).toMatch(/^(?:ESRCH|EPERM)$/u);
    const neighbour = spawnInLayers(layers, ["--eval", "console.log(1); for (;;);"]);
    await once(neighbour.stdout, "data");
    expect(await tryOut(`process.kill(${neighbour.pid}, "SIGKILL")`)).toMatch(/ESRCH|EPERM/u);
    neighbour.kill("SIGKILL");
    await once(neighbour, "close");
  });

  proves("no-peeking", async (expect) => {
    // How many files the server has open its own user may count; none of them can be opened.
    for (const file of ["environ", "mem", "maps", "fd/0", "fd/1"]) {
      const place = `/proc/${process.pid}/${file}`;
      expect(await tryOut(`require("fs").openSync("${place}")`)).toBe("EACCES");
    }
  });

  proves("other-user", async (expect) => {
    await using dir = await openTempDir();
    const secret = path.join(dir.path, "secret");
    await writeFile(secret, "a key", { mode: 0o600 });
    await chmod(dir.path, 0o755);
    expect(await tryOut(`require("fs").readFileSync(${JSON.stringify(secret)})`)).toBe("EACCES");
    expect(await tryOut(`require("fs").rmSync(${JSON.stringify(secret)})`)).toBe("EACCES");
  });

  proves("no-new-privileges", async (expect) => {
    expect(await statusOf()).toMatch(/^NoNewPrivs:\s1$/mu);
  });

  proves("no-capabilities", async (expect) => {
    const status = await statusOf();
    for (const set of ["Inh", "Prm", "Eff", "Amb"]) {
      expect(status).toMatch(new RegExp(`^Cap${set}:\\s0+$`, "mu"));
    }
  });

  proves("rlimits", async (expect) => {
    const file = path.join("/tmp", `nexflow-layers-${process.pid}`);
    expect(await tryOut(`require("fs").writeFileSync(${JSON.stringify(file)}, "x")`)).toMatch(
      /^E(?:FBIG|ACCES)$/u,
    );
    const openMany = "(() => { for (;;) require('fs').openSync(process.execPath); })()";
    expect(await tryOut(openMany)).toBe("EMFILE");
    const fill = "(() => { const all = []; for (;;) all.push(new ArrayBuffer(2 ** 28)); })()";
    expect(await tryOut(`(() => { try { ${fill} } catch { return "refused"; } })()`)).toBe(
      "refused",
    );
    await rm(file, { force: true });
  });

  proves("memory-cgroup", async (expect) => {
    const script = "const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1));";
    expect(await breakOut(script)).toMatchObject({ output: "", isOutOfMemory: true });
    expect(await breakOut("process.abort()")).toMatchObject({ isOutOfMemory: false });
  });

  proves("lowest-priority", async (expect) => {
    expect(Number(await tryOut('require("os").getPriority()'))).toBeGreaterThanOrEqual(5);
    expect(await tryOut('require("fs").readFileSync("/proc/self/oom_score_adj", "utf8")')).toBe(
      "1000",
    );
  });
});

test("a process inside the layers ends as one outside does: exit code, abort, kill", async ({
  expect,
}) => {
  const child = spawnInLayers(layers, ["--eval", "process.exit(7)"]);
  await once(child, "close");
  expect(child.exitCode).toBe(7);
  expect(await breakOut("process.abort()")).toMatchObject({
    signal: expect.stringMatching(/^SIG/u),
  });
  const loop = spawnInLayers(layers, ["--eval", 'console.log("looping"); for (;;);']);
  await once(loop.stdout, "data");
  loop.kill("SIGKILL");
  await once(loop, "close");
  expect(loop.signalCode).toBe("SIGKILL");
});
