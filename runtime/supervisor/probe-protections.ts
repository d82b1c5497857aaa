import { once } from "node:events";
import { PLATFORM_LIMITS } from "../policy/limits.ts";
import type { LayerState } from "../runtime.ts";
import { sandboxFlags, WASM_TABLE_ENTRIES } from "./host-flags.ts";
import { detectLayers } from "./layers/detect-layers.ts";
import type { LayerName, Layers } from "./layers/layers.ts";
import { spawnInLayers } from "./layers/spawn-in-layers.ts";

/** One protection around skills and whether this host has it. */
export interface Protection extends LayerState {
  /** What an operator can do, where there is something. */
  readonly remedy?: string | undefined;
}

const PROBE_TIMEOUT_MS = 20_000;
const NODE_REMEDY = "Run Nexflow with Node 22.19 or newer of the 22 line, or with Node 24";
const NAMESPACE_REMEDY =
  "Install util-linux and let Nexflow make user namespaces: sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, or the container's seccomp profile";
const SETPRIV_REMEDY = "Install util-linux (setpriv)";

const REMEDIES: Readonly<Record<LayerName, string | undefined>> = {
  "no-files": NODE_REMEDY,
  "no-programs": NODE_REMEDY,
  "kill-at-deadline": NODE_REMEDY,
  "no-system-files": "A system with util-linux 2.40 or newer and Landlock in its kernel",
  "no-network": NAMESPACE_REMEDY,
  "no-signals": NAMESPACE_REMEDY,
  "no-peeking": NAMESPACE_REMEDY,
  "other-user":
    "Nothing, if the server's user owns little else; as root, install util-linux and let everyone read Nexflow's own folder",
  "no-new-privileges": SETPRIV_REMEDY,
  "no-capabilities": SETPRIV_REMEDY,
  rlimits: "Install util-linux (prlimit)",
  "memory-cgroup":
    "As a systemd service: Delegate=memory pids and DelegateSubgroup=server; in a container: make /sys/fs/cgroup writable",
  "lowest-priority": "Let Nexflow lower the priority of its own processes",
};

/**
 * Tries every protection on this host, for real: a process like a sandbox process reads a file,
 * opens a connection, signals the server, takes memory and more, and one that loops is killed.
 * Rejects when no such process can be started.
 */
export async function probeProtections(): Promise<readonly Protection[]> {
  const layers = await detectLayers();
  const found = await runProbe(layers);
  const remedies: Readonly<Record<string, string | undefined>> = REMEDIES;
  return [
    ...layers.states.map((state) =>
      state.isInForce ? state : { ...state, remedy: remedies[state.name] },
    ),
    ...PROBES.map(({ name, expected, refused, allowed }, index) => {
      const isInForce = found[index] === expected;
      return isInForce
        ? { name, isInForce, detail: refused }
        : { name, isInForce, detail: allowed, remedy: NODE_REMEDY };
    }),
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
async function runProbe(layers: Layers): Promise<readonly string[]> {
  const tries = PROBES.map(
    ({ code }) =>
      `try { found.push(String(${code})); } catch (error) { found.push(error.code ?? error.name); }`,
  );
  const script = `const found = []; ${tries.join(" ")} console.log(JSON.stringify(found));`;
  const child = spawnInLayers(layers, [...sandboxFlags(), "--eval", script]);
  const timer = setTimeout(() => child.kill("SIGKILL"), PROBE_TIMEOUT_MS);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  clearTimeout(timer);
  const text = Buffer.concat(chunks).toString();
  if (text === "")
    throw new Error("Cannot probe the protections: the probe process gave no answer");
  const found: unknown = JSON.parse(text);
  return Array.isArray(found) ? found.map(String) : [];
}
