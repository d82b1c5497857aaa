import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { getPriority } from "node:os";
import process from "node:process";
import type { Layers } from "./layers.ts";
import { cgroupNameOf, findHostPid, spawnInLayers } from "./spawn-in-layers.ts";

/** What a process started inside of layers came upon. */
export interface TrialFacts {
  readonly kind: "ran";
  /** What it tried itself: what came of it, or the error's code. */
  readonly tried: Readonly<Record<keyof typeof ATTEMPTS | "network", string>>;
  /** What the system says of it, by the names of `/proc/<pid>/status` and `limits`. */
  readonly status: ReadonlyMap<string, string>;
  readonly limits: ReadonlyMap<string, string>;
  readonly niceness: number;
  readonly oomScore: number;
  readonly isInCgroup: boolean;
  /** From SIGKILL until it was gone; absent when it did not end of it. */
  readonly killMs?: number | undefined;
}

export type Trial = TrialFacts | { readonly kind: "failed"; readonly reason: string };

interface TrialOptions {
  /** What a sandbox process is started with, and a module that it must be able to load. */
  readonly flags: readonly string[];
  readonly addon: string;
}

const TIMEOUT_MS = 10_000;

/** A file that every user may read. */
const SYSTEM_FILE = "/etc/passwd";

const ATTEMPTS = {
  addon: "typeof require(addon)",
  files: 'require("node:fs").openSync(process.execPath)',
  programs: 'require("node:child_process").spawnSync(process.execPath, ["-v"]).status',
  signals: "process.kill(server, 0)",
  environment: 'require("node:fs").readFileSync(environ).length',
  systemFiles: 'require("node:fs").readFileSync(everyonesFile).length',
} as const;

/**
 * Starts a process as sandbox processes are, has it try what none may do, asks the system about it
 * and kills it.
 */
export async function runTrial(
  layers: Pick<Layers, "launcher" | "cgroups">,
  { flags, addon }: TrialOptions,
): Promise<Trial> {
  const listener = createServer((socket) => socket.destroy());
  const port = await listen(listener);
  const environ = `/proc/${process.pid}/environ`;
  const script = toScript({
    port,
    addon,
    environ,
    everyonesFile: SYSTEM_FILE,
    server: process.pid,
  });
  // Node must not be what keeps it from reading these two.
  const seen = [environ, SYSTEM_FILE].map((file) => `--allow-fs-read=${file}`);
  const child = spawnInLayers(layers, [...flags, ...seen, "--eval", script]);
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(0, 4_096);
  });
  child.stdin.on("error", () => undefined);
  const closed = once(child, "close").catch((error: unknown) => [String(error)]);
  try {
    const answer = await Promise.race([once(child.stdout, "data"), closed.then(() => undefined)]);
    if (answer === undefined || child.pid === undefined) {
      await closed;
      return { kind: "failed", reason: reasonOf(stderr) };
    }
    const tried = JSON.parse(String(answer[0])) as TrialFacts["tried"];
    if (tried.addon !== "object" && tried.addon !== "function") {
      return { kind: "failed", reason: `its own program cannot be read: ${tried.addon}` };
    }
    const facts = await inspect(await findHostPid(child.pid), cgroupNameOf(child));
    const killedMs = performance.now();
    child.kill("SIGKILL");
    await closed;
    const isKilled = child.signalCode === "SIGKILL";
    const killMs = isKilled ? performance.now() - killedMs : undefined;
    return { kind: "ran", tried, ...facts, killMs };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    listener.close();
  }
}

async function listen(listener: Server): Promise<number> {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Loops at the end: what ends it is the kill. */
function toScript(values: Readonly<Record<string, string | number>>): string {
  const names = Object.entries(values).map(
    ([name, value]) => `const ${name} = ${JSON.stringify(value)};`,
  );
  const attempts = Object.entries(ATTEMPTS).map(
    ([name, code]) =>
      `try { tried.${name} = String(${code}); } catch (error) { tried.${name} = error.code ?? error.name; }`,
  );
  return `${names.join(" ")} const tried = {}; ${attempts.join(" ")}
    const socket = require("node:net").connect(port, "127.0.0.1");
    const end = (network) => {
      require("node:fs").writeSync(1, JSON.stringify({ ...tried, network }));
      for (;;);
    };
    socket.on("connect", () => end("connected"));
    socket.on("error", ({ code }) => end(code));`;
}

async function inspect(pid: number, cgroup: string | undefined) {
  const [status, limits, oomScore, groups] = await Promise.all(
    ["status", "limits", "oom_score_adj", "cgroup"].map((file) =>
      readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""),
    ),
  );
  return {
    status: toMap(status, /^(\w+):\s+(.*)$/u),
    limits: toMap(limits, /^Max (.+?)\s{2,}(\S+)/u),
    niceness: getPriority(pid),
    oomScore: Number(oomScore),
    isInCgroup: cgroup !== undefined && groups?.includes(cgroup) === true,
  };
}

function toMap(text: string | undefined, line: RegExp): ReadonlyMap<string, string> {
  const matches = (text ?? "").split("\n").map((each) => line.exec(each));
  return new Map(
    matches.flatMap((match) => (match === null ? [] : [[match[1] ?? "", match[2] ?? ""]])),
  );
}

function reasonOf(stderr: string): string {
  return stderr.trim().split("\n")[0] || "it ended without a word";
}
