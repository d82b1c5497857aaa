import { execFile } from "node:child_process";
import { constants, existsSync } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import {
  type LauncherTools,
  type LaunchPlan,
  type ReachableFiles,
  toLauncher,
} from "./launcher.ts";

/** What each tool can do here by itself, and why the others cannot. */
export interface FoundPlan {
  readonly plan: LaunchPlan;
  readonly tools: LauncherTools;
  /** What went wrong, by the part of the plan that it cost. */
  readonly reasons: Readonly<Partial<Record<keyof LaunchPlan, string>>>;
}

/** Where systems keep their programs; `PATH` belongs to whoever started the server. */
const PROGRAM_DIRS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin"];
const TIMEOUT_MS = 5_000;
/** A user that systems give to nobody: apart from the range of systemd's dynamic users. */
const SANDBOX_USER_ID = 60_602;

const run = promisify(execFile);

/**
 * Tries a launcher with a program that does nothing: all of it, else part by part. `readable` is
 * what a sandbox process reads besides the system's libraries.
 */
export async function findLaunchPlan(readable: readonly string[]): Promise<FoundPlan> {
  if (process.platform !== "linux") return { plan: {}, tools: {}, reasons: NOT_LINUX };
  const [unshare, setpriv, prlimit, nice, idle] = await Promise.all(
    ["unshare", "setpriv", "prlimit", "nice", "true"].map(findProgram),
  );
  const tools: LauncherTools = { unshare, setpriv, prlimit, nice };
  const isRoot = process.geteuid?.() === 0;
  const attempt = (plan: LaunchPlan) => tryPlan(plan, tools, idle);
  const whole: LaunchPlan = {
    userId: isRoot ? SANDBOX_USER_ID : undefined,
    namespaces: { user: true, pid: true },
    privileges: "dropped",
    hasRlimits: true,
  };
  const files = toReachableFiles([prlimit, idle], readable);
  const hasTools = unshare !== undefined && setpriv !== undefined && prlimit !== undefined;
  const [withoutFiles, withFiles] = await Promise.all([
    hasTools ? attempt(whole) : "tools are missing",
    setpriv === undefined ? "tools are missing" : attempt({ privileges: "no-new", files }),
  ]);
  const found =
    withoutFiles === undefined
      ? { plan: whole, reasons: isRoot ? {} : { userId: NOT_ROOT } }
      : await findParts(isRoot, tools, attempt);
  if (withFiles === undefined) return { tools, ...found, plan: { ...found.plan, files } };
  return { tools, ...found, reasons: { ...found.reasons, files: NO_LANDLOCK } };
}

const NO_LANDLOCK = "needs Landlock in the kernel, and setpriv of util-linux 2.40 or newer";

/** Where the system keeps its libraries, and what Node looks at of its own process. */
const LIBRARIES = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store"];
const SYSTEM_FILES = ["/etc/ld.so.cache", "/etc/ssl/openssl.cnf", "/proc/self"];

function toReachableFiles(
  tools: readonly (string | undefined)[],
  readable: readonly string[],
): ReachableFiles {
  const programs = [process.execPath, ...tools.filter((tool) => tool !== undefined), ...LIBRARIES];
  return {
    programs: programs.filter((file) => existsSync(file)),
    readable: [...SYSTEM_FILES, ...readable].filter((file) => existsSync(file)),
  };
}

/** Each part by itself. A tool that is missing is why its part is. */
async function findParts(
  isRoot: boolean,
  { unshare, setpriv, prlimit }: LauncherTools,
  attempt: (plan: LaunchPlan) => Promise<string | undefined>,
): Promise<Omit<FoundPlan, "tools">> {
  const [user, rlimits] = await Promise.all([
    findFirst(isRoot && setpriv !== undefined ? [SANDBOX_USER_ID] : [], (userId) =>
      attempt({ userId }),
    ),
    findFirst(prlimit === undefined ? [] : [true], (hasRlimits) => attempt({ hasRlimits })),
  ]);
  const userId = user.found;
  const [namespaces, privileges] = await Promise.all([
    findFirst(
      unshare === undefined ? [] : namespaceChoices(isRoot, setpriv !== undefined),
      (each) => attempt({ userId, namespaces: each }),
    ),
    findFirst(setpriv === undefined ? [] : privilegeChoices(isRoot), (each) =>
      attempt({ privileges: each }),
    ),
  ]);
  // Root of a user namespace has capabilities there: they must be dropped.
  const isDropped = namespaces.found?.user === true && privileges.found !== undefined;
  return {
    plan: {
      userId,
      namespaces: namespaces.found,
      privileges: isDropped ? "dropped" : privileges.found,
      hasRlimits: rlimits.found,
    },
    reasons: {
      userId: isRoot ? (user.reason ?? notFound("setpriv")) : NOT_ROOT,
      namespaces: namespaces.reason ?? notFound("unshare"),
      privileges: privileges.reason ?? notFound("setpriv"),
      hasRlimits: rlimits.reason ?? notFound("prlimit"),
    },
  };
}

const NOT_ROOT = "the server does not run as root, which alone may choose one";
const ONLY_LINUX = "only Linux has it";
const NOT_LINUX = {
  userId: ONLY_LINUX,
  namespaces: ONLY_LINUX,
  privileges: ONLY_LINUX,
  hasRlimits: "there is no prlimit here",
  files: ONLY_LINUX,
};

/**
 * Strongest first. A user namespace also keeps sandbox processes apart from each other; root can
 * do without. A PID namespace needs setpriv, so that its first process ends with the server.
 */
function namespaceChoices(isRoot: boolean, hasSetpriv: boolean) {
  const users = isRoot ? [true, false] : [true];
  const pids = hasSetpriv ? [true, false] : [false];
  return users.flatMap((user) => pids.map((pid) => ({ user, pid })));
}

function privilegeChoices(isRoot: boolean): readonly ("dropped" | "no-new")[] {
  return isRoot ? ["dropped", "no-new"] : ["no-new"];
}

async function findFirst<Choice>(
  choices: readonly Choice[],
  attempt: (choice: Choice) => Promise<string | undefined>,
): Promise<{ readonly found?: Choice; readonly reason?: string | undefined }> {
  const failures = await Promise.all(choices.map(attempt));
  const at = failures.indexOf(undefined);
  const found = choices[at];
  return found === undefined ? { reason: failures[0] } : { found };
}

/** Why the plan does not work here; `undefined` when it does. */
async function tryPlan(
  plan: LaunchPlan,
  tools: LauncherTools,
  idle: string | undefined,
): Promise<string | undefined> {
  const [program, ...args] = toLauncher(plan, tools);
  if (program === undefined || idle === undefined) return "a program of util-linux was not found";
  try {
    await run(program, [...args, idle], { env: {}, cwd: "/", timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    return (stderr?.trim() || message).split("\n").at(-1);
  }
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const dir of PROGRAM_DIRS) {
    const file = path.join(dir, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

function notFound(name: string): string {
  return `the program "${name}" of util-linux was not found`;
}
