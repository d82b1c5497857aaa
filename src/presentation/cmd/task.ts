import type { Command } from "commander";
import { CommandError } from "./command-error.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";
import { createTaskAccess, type ShownTask, type TaskAccess } from "./task-access.ts";

export interface TaskDeps {
  readonly url: () => string;
  readonly configuredToken: () => string | undefined;
  /** A token for the server of the local data directory, where there is one. */
  readonly mintToken: () => Promise<string | undefined>;
}

/** Adds `task`: the calls of tools that the agent and schedules make. */
export function addTaskCommand(program: Command, deps: TaskDeps): void {
  const task = program
    .command("task")
    .description("calls of tools, as they run and as they ended, over a running server");
  task
    .command("list")
    .description("list the latest, newest first")
    .option("--state <state>", "as running, completed, failed, cancelled or timed-out")
    .option("--session <id>", "of one conversation")
    .option("--user <user>", "another user's, where you may see them")
    .action(async (options: ListOptions, command: Command) => {
      const { state, session: sessionId, user: userId } = options;
      const tasks = await (await open(deps)).list({ state, sessionId, userId });
      print(isJson(command), { tasks }, () => toTaskTable(tasks));
    });
  task
    .command("show")
    .description("show one: what it was given, what came of it, what it took, who decided")
    .argument("<id>", "its id, as task list shows it")
    .option("--user <user>", "whose it is, where it is not your own")
    .action(async (id: string, { user }: { user?: string }, command: Command) => {
      const found = await (await open(deps)).find(id, user);
      print(isJson(command), { task: found }, () => toTaskText(found));
    });
  task
    .command("cancel")
    .description("stop one that runs; its turn goes on without its result")
    .argument("<id>", "its id, as task list shows it")
    .action(async (id: string, _options: unknown, command: Command) => {
      await (await open(deps)).cancel(id);
      print(isJson(command), { taskId: id, isCancelled: true }, () => `Cancelled ${id}`);
    });
}

interface ListOptions {
  readonly state?: string;
  readonly session?: string;
  readonly user?: string;
}

async function open({ url, configuredToken, mintToken }: TaskDeps): Promise<TaskAccess> {
  const token = configuredToken() ?? (await mintToken());
  if (token !== undefined) return createTaskAccess(url(), token);
  throw new CommandError("unauthorized", "Cannot reach a server: set NEXFLOW_TOKEN");
}

function toTaskTable(tasks: readonly ShownTask[]): string {
  if (tasks.length === 0) return "No tasks";
  const rows = tasks.map((task) => [
    task.id,
    task.state,
    `${task.skill}.${task.tool}`,
    new Date(task.createdAtMs).toISOString(),
    task.usage === undefined ? "" : `${Math.round(task.usage.wallMs)} ms`,
  ]);
  return toTable([["ID", "STATE", "TOOL", "BEGUN", "TOOK"], ...rows]);
}

function toTaskText(task: ShownTask): string {
  const { failure, usage, output } = task;
  const took =
    usage &&
    `${Math.round(usage.wallMs)} ms, ${Math.round(usage.cpuMs)} ms of CPU, ` +
      `${Math.round(usage.memoryMiB)} MiB, ${usage.outputBytes} bytes of output`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["task", task.id],
    ["tool", `${task.skill}.${task.tool}`],
    ["state", task.state],
    ["begun", new Date(task.createdAtMs).toISOString()],
    ["took", took],
    ["policy", task.policyHash],
    ["skill", task.skillDigest],
    ["input", JSON.stringify(task.input)],
    ["output", output === undefined ? undefined : JSON.stringify(output)],
    ["failure", failure && `${failure.code}: ${failure.message}`],
  ];
  const shown = rows.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, toPlainText(value)]],
  );
  return toTable(shown);
}
