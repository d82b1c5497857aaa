import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "./free-port.ts";
import { findPostgresUser } from "./postgres-programs.ts";

const PLACES = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
const START_MS = 5_000;

export interface Pooler extends AsyncDisposable {
  readonly url: string;
}

/** PgBouncer in transaction mode before a database, or the reason why it cannot be had. */
export async function openPooler(databaseUrl: string): Promise<Pooler | string> {
  const program = await findProgram();
  if (program === undefined)
    return "there is no pgbouncer on this machine (apt-get install pgbouncer)";
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-pooler-"));
  const user = await findPostgresUser();
  const port = await findFreePort();
  const file = path.join(dir, "pgbouncer.ini");
  await writeFile(file, toSettings(new URL(databaseUrl), port));
  await chmod(dir, 0o755);
  if (user !== undefined) await chown(file, user.uid, user.gid);
  const child = spawn(program, [file], { ...user, cwd: "/", stdio: "ignore" });
  const exited = once(child, "exit");
  const close = async () => {
    child.kill("SIGKILL");
    await exited;
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await Promise.race([untilOpen(port), exited.then(() => Promise.reject(new Error("It ended")))]);
  } catch (error) {
    await close();
    throw error;
  }
  const url = new URL(databaseUrl);
  url.port = String(port);
  return { url: url.href, [Symbol.asyncDispose]: close };
}

async function findProgram(): Promise<string | undefined> {
  for (const place of PLACES) {
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return undefined;
}

function toSettings(url: URL, port: number): string {
  return [
    "[databases]",
    `* = host=${url.hostname} port=${url.port} user=${url.username} password=${url.password}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    // Fewer than Nexflow opens, so that they do change hands.
    "default_pool_size = 4",
    "max_client_conn = 200",
    "",
  ].join("\n");
}

async function untilOpen(port: number): Promise<void> {
  const endMs = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
