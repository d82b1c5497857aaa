import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openTempDir } from "./temp-dir.ts";

export interface StartOptions {
  /** Left out: a new directory, removed when the server is stopped. */
  readonly homeDir?: string;
  /** Left out: a free one. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The directory that it is started in; left out: this process's. */
  readonly cwd?: string;
  /** The file that is run; left out: this installation's program. */
  readonly main?: string;
  /** Words that are put before the command. */
  readonly launcher?: readonly [string, ...string[]];
}

/** The real program in a process of its own. */
export interface RunningNexflow extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly loginUrl: string;
  readonly homeDir: string;
  readonly process: ChildProcess;
  /** All it wrote to its log and its terminal up to now. */
  output(): string;
  /** SIGTERM; gives the exit code. The data directory stays until disposal. */
  stop(): Promise<number | null>;
  /** SIGKILL. The data directory stays until disposal. */
  kill(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../src/nexflow.js", import.meta.url));
export const TEST_TOKEN = "test-admin-token-0123456789abcdef";

/** Starts `nexflow serve` and waits until it takes messages. Rejects with its output if it ends. */
export async function startNexflow(options: StartOptions = {}): Promise<RunningNexflow> {
  const dir = options.homeDir === undefined ? await openTempDir() : undefined;
  const homeDir = options.homeDir ?? dir?.path ?? "";
  const [program, ...args] = [
    ...(options.launcher ?? []),
    process.execPath,
    options.main ?? MAIN,
    "serve",
    "--json",
  ];
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      NEXFLOW_HOME: homeDir,
      NEXFLOW_PORT: String(options.port ?? 0),
      NEXFLOW_ADMIN_TOKEN: TEST_TOKEN,
      NEXFLOW_LOG_LEVEL: "warn",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const exited = once(child, "exit");
  child.stderr.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  const ready = await readReadyLine(child, lines);
  // What it says may be the address of a balancer before it.
  const url = options.port === undefined ? ready.url : `http://127.0.0.1:${options.port}`;
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  return {
    url,
    port: Number(new URL(url).port),
    token: TEST_TOKEN,
    loginUrl: `${url}/#token=${TEST_TOKEN}`,
    homeDir,
    process: child,
    output: () => lines.join("\n"),
    stop: async () => {
      await end("SIGTERM");
      return child.exitCode;
    },
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
      await dir?.[Symbol.asyncDispose]();
    },
  };
}

async function readReadyLine(child: ChildProcess, lines: string[]): Promise<{ url: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ url: string }>();
  if (child.stdout === null) throw new Error("Cannot read the server's output");
  createInterface(child.stdout).on("line", (line) => {
    lines.push(line);
    if (line.includes('"kind":"ready"')) resolve(JSON.parse(line) as { url: string });
  });
  child.once("exit", (code, signal) => {
    reject(
      new Error(`The server ended (${code ?? signal}) before it was ready:\n${lines.join("\n")}`),
    );
  });
  return promise;
}
