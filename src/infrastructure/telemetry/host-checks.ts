import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";

/** What one check of `doctor` found. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly remedy?: string | undefined;
}

const run = promisify(execFile);
const MIB = 1_048_576;
const PATIENCE_MS = 5_000;

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isFit = (major === 22 && minor >= 19) || major === 23 || major === 24;
  return {
    name: "Node",
    state: isFit ? "ok" : "fail",
    detail: version,
    remedy:
      'expected 22.19 or newer, below 25: run through npm ("npm run nexflow"), which brings its own',
  };
}

const NATIVES = ["uWebSockets.js", "better-sqlite3", "isolated-vm"];

/** Loads each native binary in a process of its own: one that does not fit may end its process. */
export function checkNatives(): Promise<Finding[]> {
  return Promise.all(
    NATIVES.map(async (name): Promise<Finding> => {
      const load = `const m = await import(${JSON.stringify(name)}); if (${JSON.stringify(name)} === "better-sqlite3") new m.default(":memory:").close(); process.exit(0);`;
      const args = ["--no-node-snapshot", "--input-type=module", "--eval", load];
      const options = { cwd: import.meta.dirname, timeout: PATIENCE_MS };
      try {
        await run(process.execPath, args, options);
        return { name: `Binary ${name}`, state: "ok", detail: "loads" };
      } catch (error) {
        const detail = `does not load: ${firstError(error)}`;
        const remedy = 'run "npm ci" again on this machine with this Node';
        return { name: `Binary ${name}`, state: "fail", detail, remedy };
      }
    }),
  );
}

export async function checkPort(host: string, port: number): Promise<Finding> {
  const name = "Port";
  const address = `${host}:${port}`;
  const code = port === 0 ? undefined : await tryToListen(host, port);
  if (code === undefined) return { name, state: "ok", detail: `${address} is free` };
  if (code !== "EADDRINUSE") {
    const remedy = "set NEXFLOW_HOST and NEXFLOW_PORT to an address this machine may use";
    return { name, state: "fail", detail: `${address} cannot be used: ${code}`, remedy };
  }
  if (await isNexflow(host, port)) {
    return { name, state: "ok", detail: `Nexflow answers on ${address}` };
  }
  const remedy = "stop what uses it, or set NEXFLOW_PORT";
  return { name, state: "fail", detail: `${address} is taken by another program`, remedy };
}

/** Gives the error's code where the address cannot be had. */
function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function isNexflow(host: string, port: number): Promise<boolean> {
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(`http://${reachable}:${port}/healthz`, { signal });
    return response.ok;
  } catch {
    return false;
  }
}

/** The directory may be there or be made at the first start. */
export async function checkDataDir(homeDir: string): Promise<Finding> {
  const name = "Data directory";
  const existing = await nearestExisting(homeDir);
  const remedy = "set NEXFLOW_HOME to a directory that can be written, with space for its data";
  try {
    await access(existing, constants.W_OK);
  } catch {
    return { name, state: "fail", detail: `${existing} cannot be written`, remedy };
  }
  const { bavail, bsize } = await statfs(existing);
  const freeMiB = Math.floor((bavail * bsize) / MIB);
  const state = freeMiB < 64 ? "fail" : freeMiB < 1_024 ? "warn" : "ok";
  const verb = existing === homeDir ? "" : " (will be made)";
  return { name, state, detail: `${homeDir}${verb}, ${freeMiB} MiB free`, remedy };
}

async function nearestExisting(dir: string): Promise<string> {
  const isThere = await stat(dir).then(
    () => true,
    () => false,
  );
  const parent = path.dirname(dir);
  return isThere || parent === dir ? dir : nearestExisting(parent);
}

function firstError(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  const line = text.split("\n").find((candidate) => candidate.includes("Error"));
  return line?.trim() ?? "it ended without a word";
}
