import type { NewJob } from "#application/ports/jobs.ts";
import type { Query, QueryArgs } from "./query.ts";

/*
 * The store's logic is written once, as scripts: generators that yield statements and get their
 * results. SQLite runs a script at one go on its own thread, Postgres awaits each statement on a
 * connection; what a script says is the same. A script that writes runs inside a transaction.
 */

export type Step = StatementStep | EnqueueStep;

/** One statement of a script, and what of its result is wanted. */
export interface StatementStep {
  readonly kind: "all" | "get" | "run";
  readonly query: Query<unknown>;
  readonly args: QueryArgs;
}

/** Jobs that are there if and only if the script's transaction commits. */
export interface EnqueueStep {
  readonly kind: "enqueue";
  readonly jobs: readonly NewJob[];
  readonly nowMs: number;
}

/** Yields statements and gives a `T`. A script that throws takes back all that it wrote. */
export type Script<T> = Generator<Step, T, unknown>;

/** All rows. */
export function* all<Row>(query: Query<Row>, args: QueryArgs = {}): Script<Row[]> {
  return (yield { kind: "all", query, args }) as Row[];
}

/** The first row, if there is one. */
export function* get<Row>(query: Query<Row>, args: QueryArgs = {}): Script<Row | undefined> {
  return (yield { kind: "get", query, args }) as Row | undefined;
}

/** Runs a write and gives the number of rows that it changed. */
export function* run(query: Query<unknown>, args: QueryArgs = {}): Script<number> {
  return (yield { kind: "run", query, args }) as number;
}

/** Puts jobs on their queues, in the script's transaction. */
export function* enqueue(jobs: readonly NewJob[], nowMs: number): Script<void> {
  yield { kind: "enqueue", jobs, nowMs };
}

/** Runs a script whose statements are answered at once. */
export function runScript<T>(script: Script<T>, perform: (step: Step) => unknown): T {
  let next = script.next();
  while (next.done !== true) next = script.next(perform(next.value));
  return next.value;
}

/** Runs a script whose statements take their time. */
export async function awaitScript<T>(
  script: Script<T>,
  perform: (step: Step) => Promise<unknown>,
): Promise<T> {
  let next = script.next();
  while (next.done !== true) next = script.next(await perform(next.value));
  return next.value;
}

/** Scripts by name, as they are called from other threads. */
// oxlint-disable-next-line typescript/no-explicit-any -- any arguments, each script has its own
export type Scripts = Readonly<Record<string, (...args: any[]) => Script<unknown>>>;

/** Calls scripts by name, wherever the store is. Rejects with `Fault`. */
export interface ScriptCaller<All extends Scripts> {
  call<Name extends keyof All & string>(
    name: Name,
    ...args: Parameters<All[Name]>
  ): Promise<ScriptResult<All[Name]>>;
}

type ScriptResult<Each> = Each extends (...args: never[]) => Script<infer Result> ? Result : never;
