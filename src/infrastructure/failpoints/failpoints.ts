import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { Fault } from "#domain/shared/fault.ts";

/*
 * Named places at which a test has the program die, stand still or lose something. In service
 * none is armed, and passing one costs a comparison. Each thread arms its own and counts by
 * itself how often it passes one.
 */

/** Places beside the commits of the store's scripts, in the order in which a message meets them. */
export const FAILPOINTS = {
  "accept:answer": "a message is stored, its sender not told yet",
  "accept:answered": "the sender of a message was told, or is about to be by the system",
  "turn:hand-over": "a turn is about to go to a thread that runs it",
  "turn:begin": "the thread has the turn, and has done nothing",
  "turn:show": "events of a turn are about to be shown to those who follow it",
  "turn:show-end": "the end of a turn is stored, and about to be shown",
  "turn:settle": "the end of a turn was shown, and the next one of its session not begun",
  "job:begin": "a job was fetched, and nothing of it done",
  "job:handled": "a job is done, and the queue does not know it yet",
  "job:completed": "the queue knows that jobs are done",
  "bus:publish": "other instances are about to be told something",
} as const;

export type Failpoint =
  | keyof typeof FAILPOINTS
  /** Around the commit of the transaction that holds a script of the store, by its name. */
  | `before-commit:${string}`
  | `after-commit:${string}`;

const ACTIONS = ["kill", "stop", "drop"] as const;

interface Armed {
  readonly action: (typeof ACTIONS)[number];
  /** How many passings are let through before. */
  spared: number;
}

const SPEC = /^(?<name>[a-z]+(?:-[a-z]+)*:[\w-]+)=(?<action>[a-z]+)(?:@(?<nth>[1-9]\d{0,5}))?$/u;

/** Under which threads find what the one that started them has armed. */
const STOP_MS = 100;
const SPEC_KEY = "nexflow-failpoints";

let armed = parse(getEnvironmentData(SPEC_KEY));

/**
 * Arms failpoints in this thread and in those that it starts from now on: `<name>=<action>@<n>`, several separated by commas. At the n-th
 * passing (the first, where it is left out) `kill` is SIGKILL and `stop` SIGSTOP for this process;
 * from then on `drop` loses what was to be done there. Throws `Fault` (`CONFIG_INVALID`).
 */
export function armFailpoints(spec: string | undefined): void {
  armed = parse(spec);
  setEnvironmentData(SPEC_KEY, spec);
}

/** Passes a failpoint: returns at once, or never where it is armed to end this process. */
export function failpoint(name: Failpoint): void {
  if (armed !== undefined) pass(name);
}

/** Passes the failpoints around the commit of a transaction that holds these calls of scripts. */
export function passCommit(
  when: "before" | "after",
  calls: Iterable<{ readonly method: string }>,
): void {
  if (armed === undefined) return;
  for (const { method } of calls) pass(`${when}-commit:${method}`);
}

/** Passes a failpoint at which something may get lost; true where it does. */
export function isDropped(name: Failpoint): boolean {
  return armed !== undefined && pass(name) === "drop";
}

function pass(name: Failpoint): Armed["action"] | undefined {
  const point = armed?.get(name);
  if (point === undefined) return undefined;
  if (point.spared > 0) {
    point.spared -= 1;
    return undefined;
  }
  if (point.action === "kill") process.kill(process.pid, "SIGKILL");
  if (point.action === "stop") {
    armed?.delete(name);
    process.kill(process.pid, "SIGSTOP");
    // The signal takes a moment: nothing of what comes next may be done before it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOP_MS);
  }
  return point.action;
}

function parse(spec: unknown): Map<string, Armed> | undefined {
  return typeof spec === "string" ? new Map(spec.split(",").map(parseOne)) : undefined;
}

function parseOne(spec: string): [string, Armed] {
  const { name = "", action = "", nth = "1" } = SPEC.exec(spec.trim())?.groups ?? {};
  const known = ACTIONS.find((each) => each === action);
  const isKnownName = name in FAILPOINTS || /^(?:before|after)-commit:/u.test(name);
  if (known === undefined || !isKnownName) {
    const message = `Cannot arm the failpoint "${spec}": expected "<name>=<${ACTIONS.join("|")}>@<n>"`;
    throw new Fault("CONFIG_INVALID", message);
  }
  return [name, { action: known, spared: Number(nth) - 1 }];
}
