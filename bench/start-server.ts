import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The whole program, as a process of its own with a data directory of its own. */
export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly homeDir: string;
}

export const TOKEN = "bench-admin-token-0123456789";
const MAIN = fileURLToPath(new URL("../src/nexflow.js", import.meta.url));

/** Starts a server on an empty SQLite database, or as one more instance on a Postgres database. */
export async function startServer(
  env: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  const homeDir = await mkdtemp(path.join(tmpdir(), "nexflow-bench-"));
  const child = spawn(process.execPath, [MAIN, "serve", "--json"], {
    env: {
      NEXFLOW_HOME: homeDir,
      NEXFLOW_PORT: "0",
      NEXFLOW_ADMIN_TOKEN: TOKEN,
      NEXFLOW_LOG_LEVEL: "error",
      // All of the load is one user at one address.
      NEXFLOW_RATE_REQUESTS: "0",
      NEXFLOW_RATE_MESSAGES: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill();
    await exited;
    await rm(homeDir, { recursive: true, force: true });
  };
  try {
    const url = await readUrl(child.stdout);
    return { url, pid: child.pid ?? 0, homeDir, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stdout)) {
    if (line.includes('"kind":"ready"')) return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error("Cannot measure: the server ended before it was ready");
}
