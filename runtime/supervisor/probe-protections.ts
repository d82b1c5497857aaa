import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { PLATFORM_LIMITS } from "../policy/limits.ts";
import { sandboxFlags, WASM_TABLE_ENTRIES } from "./spawn-host.ts";

/** One layer around skills and whether this host has it. */
export interface Protection {
  readonly name: string;
  readonly isInForce: boolean;
  readonly detail: string;
  /** What an operator can do, where there is something. */
  readonly remedy?: string;
}

const PROBE_TIMEOUT_MS = 20_000;
const REMEDY = "Run Nexflow with Node 22.18 or newer of the 22 line, or with Node 24";

/**
 * Tries every protection on this host, for real: a process with the flags of a sandbox process
 * reads a file, starts a program and takes memory, and one that loops is killed. Rejects when no
 * such process can be started.
 */
export async function probeProtections(): Promise<readonly Protection[]> {
  const [found, killed] = await Promise.all([runProbe(), probeKill()]);
  return [
    ...PROBES.map(({ name, expected, refused, allowed }, index) => {
      const isInForce = found[index] === expected;
      return isInForce
        ? { name, isInForce, detail: refused }
        : { name, isInForce, detail: allowed, remedy: REMEDY };
    }),
    killed,
    {
      name: "no-network",
      isInForce: false,
      detail: "Not in force: planned. No guest has a way to open a socket; its process does",
    },
  ];
}

interface Probe {
  readonly name: string;
  /** An expression. */
  readonly code: string;
  /** What the expression comes to where the protection holds: a value, or an error's code or name. */
  readonly expected: string;
  readonly refused: string;
  readonly allowed: string;
}

const PROBES: readonly Probe[] = [
  {
    name: "no-files",
    code: 'require("node:fs").readFileSync(process.execPath).length > 0',
    expected: "ERR_ACCESS_DENIED",
    refused: "A sandbox process reads no file but its own program",
    allowed: "A sandbox process can read any file",
  },
  {
    name: "no-programs",
    code: 'require("node:child_process").spawnSync(process.execPath, ["-v"]).status === 0',
    expected: "ERR_ACCESS_DENIED",
    refused: "A sandbox process starts no other program",
    allowed: "A sandbox process can start other programs",
  },
  {
    name: "no-code-from-strings",
    code: 'new Function("return true")()',
    expected: "EvalError",
    refused: "The program of a sandbox process makes no code from strings",
    allowed: "The program of a sandbox process can make code from strings",
  },
  {
    name: "empty-environment",
    code: "Object.keys(process.env).length",
    expected: "0",
    refused: "A sandbox process has an empty environment",
    allowed: "A sandbox process sees environment variables",
  },
  {
    name: "wasm-memory-cap",
    code: `new WebAssembly.Memory({ initial: 1 }).grow(${PLATFORM_LIMITS.memoryMiB * 16}) > 0`,
    expected: "RangeError",
    refused: `A wasm memory holds at most ${PLATFORM_LIMITS.memoryMiB} MiB`,
    allowed: "A wasm memory grows without end",
  },
  {
    name: "wasm-table-cap",
    code: `new WebAssembly.Table({ element: "anyfunc", initial: 1 }).grow(${WASM_TABLE_ENTRIES}) > 0`,
    expected: "RangeError",
    refused: `A wasm table holds at most ${WASM_TABLE_ENTRIES} entries`,
    allowed: "A wasm table grows without end",
  },
];

/** What the expressions came to, in the order of the probes. */
async function runProbe(): Promise<readonly string[]> {
  const tries = PROBES.map(
    ({ code }) =>
      `try { found.push(String(${code})); } catch (error) { found.push(error.code ?? error.name); }`,
  );
  const script = `const found = []; ${tries.join(" ")} console.log(JSON.stringify(found));`;
  const child = spawnProbe(script);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  const text = Buffer.concat(chunks).toString();
  if (text === "")
    throw new Error("Cannot probe the protections: the probe process gave no answer");
  const found: unknown = JSON.parse(text);
  return Array.isArray(found) ? found.map(String) : [];
}

async function probeKill(): Promise<Protection> {
  const child = spawnProbe('console.log("looping"); for (;;);');
  await once(child.stdout, "data");
  const startedMs = performance.now();
  child.kill("SIGKILL");
  await once(child, "exit");
  const tookMs = Math.ceil(performance.now() - startedMs);
  const detail = `A process that loops was gone ${tookMs} ms after it was killed`;
  return { name: "kill-at-deadline", isInForce: child.signalCode === "SIGKILL", detail };
}

function spawnProbe(script: string) {
  return spawn(process.execPath, [...sandboxFlags(), "--eval", script], {
    env: {},
    stdio: ["ignore", "pipe", "ignore"],
    timeout: PROBE_TIMEOUT_MS,
    windowsHide: true,
  });
}
