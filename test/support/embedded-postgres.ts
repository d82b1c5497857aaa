import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { findFreePort } from "./free-port.ts";
import {
  findPostgresPrograms,
  findPostgresUser,
  type PostgresPrograms,
  type PostgresUser,
} from "./postgres-programs.ts";
import { plainEnvironment } from "./test-environment.ts";

export interface EmbeddedPostgresOptions {
  /** Whether commits are synced to the disk. Without, only a crash of the system loses any. */
  readonly isDurable: boolean;
}

/** A Postgres server with a data directory of its own, on a free port of the loopback address. */
export class EmbeddedPostgres {
  readonly url: string;
  readonly #dir: string;
  readonly #port: number;
  readonly #programs: PostgresPrograms;
  #process: ChildProcess | undefined;

  private constructor(dir: string, port: number, password: string, programs: PostgresPrograms) {
    this.#dir = dir;
    this.#port = port;
    this.#programs = programs;
    this.url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }

  /** Creates the server; it does not run yet. */
  static async create({ isDurable }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const user = await findPostgresUser();
    const dir = await openReachableDir(user);
    try {
      const programs = await findPostgresPrograms(user, dir);
      const password = randomBytes(12).toString("hex");
      await createDataDir(dir, password, programs);
      const server = new EmbeddedPostgres(dir, await findFreePort(), password, programs);
      if (!isDurable) await writeSettings(dir, FAST_SETTINGS);
      return server;
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Fulfilled when it takes connections. Rejects with what it wrote where it ends before. */
  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    const args = ["-D", dataDir(this.#dir), "-p", String(this.#port), ...SETTINGS];
    const child = startProgram(this.#programs.postgres, args, this.#programs);
    this.#process = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let written = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      written = (written + text).slice(-4096);
      if (written.includes("database system is ready to accept connections")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => {
      this.#process = undefined;
      reject(new Error(`Postgres ended before it was ready:\n${written}`));
    });
    await promise;
  }

  /** Ends it: SIGINT is a fast shutdown, SIGQUIT a crash (recovery follows at the next start). */
  async stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Ends it and removes all it kept. */
  async destroy(): Promise<void> {
    await this.stop("SIGQUIT");
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

const SETTINGS = [
  ["listen_addresses", "127.0.0.1"],
  ["unix_socket_directories", ""],
  ["max_connections", "200"],
].flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** What is written stays in the system's memory when a process dies: only its own crash is a risk. */
const FAST_SETTINGS = ["fsync = off", "full_page_writes = off", "max_wal_size = 256MB"];

/** The default order of texts is a person's, not that of bytes, as on most servers. */
const INITDB_FLAGS = [
  "--username=postgres",
  "--auth=password",
  "--encoding=UTF8",
  "--locale=C.UTF-8",
  "--locale-provider=icu",
  "--icu-locale=en-US",
  "--no-sync",
];

const dataDir = (dir: string) => path.join(dir, "data");

/** A directory that the server's user may enter: a temporary one of root's may be closed to it. */
async function openReachableDir(user: PostgresUser | undefined): Promise<string> {
  for (const base of [tmpdir(), "/tmp", "/var/tmp"]) {
    const dir = await mkdtemp(path.join(base, "nexflow-postgres-"));
    await chmod(dir, 0o755);
    if (await mayEnter(dir, user)) return dir;
    await rm(dir, { recursive: true });
  }
  throw new Error("Cannot find a temporary directory that the server's user may enter");
}

async function mayEnter(dir: string, user: PostgresUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  const child = spawn("test", ["-x", dir], { ...user, cwd: "/", stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}

async function createDataDir(dir: string, password: string, programs: PostgresPrograms) {
  const { user } = programs;
  const passwordFile = path.join(dir, "password");
  await mkdir(dataDir(dir), { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    await chown(dataDir(dir), user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const args = [`--pgdata=${dataDir(dir)}`, `--pwfile=${passwordFile}`, ...INITDB_FLAGS];
  const child = startProgram(programs.initdb, args, programs);
  let written = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (written += text));
  child.stdout?.resume();
  const [code] = (await once(child, "exit")) as [number | null];
  await rm(passwordFile);
  if (code !== 0) throw new Error(`Cannot create a Postgres data directory:\n${written}`);
}

function writeSettings(dir: string, settings: readonly string[]): Promise<void> {
  const file = path.join(dataDir(dir), "postgresql.auto.conf");
  return writeFile(file, `${settings.join("\n")}\n`, { flag: "a" });
}

function startProgram(program: string, args: readonly string[], { user }: PostgresPrograms) {
  return spawn(program, args, {
    ...user,
    cwd: "/",
    env: { ...plainEnvironment(), LC_MESSAGES: "C" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
