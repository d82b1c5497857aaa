/** The programs that start a sandbox process, by their absolute paths. */
export interface LauncherTools {
  readonly unshare?: string | undefined;
  readonly setpriv?: string | undefined;
  readonly prlimit?: string | undefined;
  readonly nice?: string | undefined;
}

/** A third of a share: with 10, an overloaded machine starves its skills until their deadline. */
export const NICENESS = 5;

/** What the launcher does before the sandbox process begins. */
export interface LaunchPlan {
  /** The user that the process runs as, where the server may choose one. */
  readonly userId?: number | undefined;
  /** Namespaces of its own: always network and IPC, with these where they can be had. */
  readonly namespaces?: { readonly user: boolean; readonly pid: boolean } | undefined;
  /** `no-new` is all that a process without capabilities can do; `dropped` clears them too. */
  readonly privileges?: "no-new" | "dropped" | undefined;
  readonly hasRlimits?: boolean | undefined;
  /** All that the system lets it open, by Landlock: programs to run and what else to read. */
  readonly files?: ReachableFiles | undefined;
}

export interface ReachableFiles {
  readonly programs: readonly string[];
  readonly readable: readonly string[];
}

const MAX_FILES = 64;
/** Threads count. Bounds a fork bomb; before Linux 5.14 all sandbox processes share the count. */
const MAX_TASKS = 512;
/** isolated-vm and V8 reserve about 1.5 GiB; what a call may take is held to elsewhere. */
const MAX_DATA_BYTES = 2 * 1_073_741_824;

/**
 * The arguments before the sandbox process's own: programs that each do their part and then become
 * the next one, without a shell. In a PID namespace one of them stays, as the parent of the
 * sandbox process: who kills it kills both.
 */
export function toLauncher(plan: LaunchPlan, tools: LauncherTools): readonly string[] {
  return [
    ...(tools.nice === undefined ? [] : [tools.nice, "-n", `${NICENESS}`]),
    ...toFirst(plan, tools),
    ...toNamespaces(plan, tools),
    ...toLast(plan, tools),
  ];
}

/** Another user must be one before there is a namespace, where that user makes the namespace. */
function toFirst(plan: LaunchPlan, { setpriv }: LauncherTools): readonly string[] {
  const { namespaces, userId } = plan;
  if (setpriv === undefined || namespaces === undefined) return [];
  const user = namespaces.user ? toUser(userId) : [];
  const parting = namespaces.pid ? DIES_WITH_PARENT : [];
  return user.length + parting.length === 0 ? [] : [setpriv, ...user, ...parting, "--"];
}

function toNamespaces({ namespaces }: LaunchPlan, { unshare }: LauncherTools): readonly string[] {
  if (namespaces === undefined || unshare === undefined) return [];
  // Root of a user namespace may drop what it has there, and has nothing outside of it.
  const user = namespaces.user ? ["--user", "--map-root-user"] : [];
  const pid = namespaces.pid ? ["--pid", "--fork", "--kill-child"] : [];
  return [unshare, ...user, ...pid, "--net", "--ipc", "--"];
}

function toLast(plan: LaunchPlan, { setpriv, prlimit }: LauncherTools): readonly string[] {
  const user = plan.namespaces?.user === true ? [] : toUser(plan.userId);
  const privileges = plan.privileges === undefined ? [] : PRIVILEGES[plan.privileges];
  const options = [...user, ...privileges, ...toLandlock(plan.files)];
  return [
    ...(setpriv !== undefined && options.length > 0 ? [setpriv, ...options, "--"] : []),
    ...(prlimit !== undefined && plan.hasRlimits === true ? [prlimit, ...RLIMITS, "--"] : []),
  ];
}

function toUser(userId: number | undefined): readonly string[] {
  if (userId === undefined) return [];
  return [`--reuid=${userId}`, `--regid=${userId}`, "--clear-groups"];
}

function toLandlock(files: ReachableFiles | undefined): readonly string[] {
  if (files === undefined) return [];
  const toRule = (rights: string) => (file: string) => [
    "--landlock-rule",
    `path-beneath:${rights}:${file}`,
  ];
  return [
    // Every right to files is taken away, those to what is named given back.
    "--landlock-access",
    "fs",
    ...files.programs.flatMap(toRule("execute,read-file")),
    ...files.readable.flatMap(toRule("read-file,read-dir")),
  ];
}

/** Parent is the thread that started the process: the runtime that owns it lives there. */
const DIES_WITH_PARENT = ["--pdeathsig", "KILL"];

const SECURE_BITS = ["noroot", "no_setuid_fixup", "keep_caps"].flatMap((bit) =>
  bit === "keep_caps" ? [`+${bit}_locked`] : [`+${bit}`, `+${bit}_locked`],
);

const PRIVILEGES = {
  "no-new": ["--no-new-privs", ...DIES_WITH_PARENT],
  dropped: [
    "--no-new-privs",
    "--inh-caps=-all",
    "--bounding-set=-all",
    `--securebits=${SECURE_BITS.join(",")}`,
    ...DIES_WITH_PARENT,
  ],
} as const;

const RLIMITS = [
  // One byte: no file is that small, and 1, unlike 0, also stops a dump into a program's pipe.
  "--core=1",
  "--fsize=0",
  `--nofile=${MAX_FILES}`,
  `--nproc=${MAX_TASKS}`,
  `--data=${MAX_DATA_BYTES}`,
  "--memlock=0",
  "--msgqueue=0",
];
