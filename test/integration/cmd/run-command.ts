import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../src/nexflow.js", import.meta.url));

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** The directory that it is run in; left out: this process's. */
  readonly cwd?: string;
  /** The file that is run; left out: this installation's program. */
  readonly main?: string;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real program, while it runs. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<CommandResult>;
  /** Resolves with the first line of output that holds `text`. */
  line(text: string): Promise<string>;
}

/** Runs `nexflow <args>` to its end with nothing in the environment but `env`. */
export function runCommand(args: readonly string[], options: CommandOptions = {}) {
  return startCommand(args, options).ended;
}

export function startCommand(
  args: readonly string[],
  { env = {}, stdin = "", cwd, main = MAIN }: CommandOptions = {},
): RunningCommand {
  const child = spawn(process.execPath, [main, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const lines = createInterface(child.stdout);
  child.stdin.end(stdin);
  const ended = once(child, "close").then(() => ({ code: child.exitCode, stdout, stderr }));
  return {
    process: child,
    ended,
    line: (text) =>
      new Promise((resolve, reject) => {
        lines.on("line", (line) => {
          if (line.includes(text)) resolve(line);
        });
        void ended.then(() => reject(new Error(`"${text}" never came: ${stdout}${stderr}`)));
      }),
  };
}
