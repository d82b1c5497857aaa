import { type Command, InvalidArgumentError, Option } from "commander";
import type { JsonValue } from "#domain/shared/json.ts";
import { UsageError } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";
import type {
  NewScheduleRequest,
  ScheduleAccess,
  ShownFiring,
  ShownSchedule,
} from "./schedule-access.ts";

export interface ScheduleDeps {
  /** The schedules of the running server or, where none runs, of its store. */
  readonly open: () => Promise<ScheduleAccess>;
}

export function addScheduleCommand(program: Command, deps: ScheduleDeps): void {
  const schedule = program
    .command("schedule")
    .description("have messages sent or skills called at certain times");
  addAdd(schedule, deps);
  schedule
    .command("list")
    .description("list your schedules")
    .action(async (_options: unknown, command: Command) => {
      const schedules = await use(deps, (access) => access.list());
      print(isJson(command), { schedules }, () => toList(schedules));
    });
  schedule
    .command("show")
    .description("what became of the latest times of a schedule")
    .argument("<id>", "the schedule")
    .option("--limit <n>", "how many at most", parseLimit, 20)
    .action(async (id: string, { limit }: { limit: number }, command: Command) => {
      const firings = await use(deps, (access) => access.listFirings(id, limit));
      print(isJson(command), { firings }, () => toFirings(firings));
    });
  schedule
    .command("pause")
    .description("hold a schedule; what it fired and has not begun is left out")
    .argument("<id>", "the schedule")
    .action(async (id: string, _options: unknown, command: Command) => {
      const paused = await use(deps, (access) => access.setPaused(id, true));
      print(isJson(command), { schedule: paused }, () => `Paused "${plain(paused.name)}"`);
    });
  schedule
    .command("resume")
    .description("let a paused schedule go on, with its next time from now")
    .argument("<id>", "the schedule")
    .action(async (id: string, _options: unknown, command: Command) => {
      const resumed = await use(deps, (access) => access.setPaused(id, false));
      print(isJson(command), { schedule: resumed }, () => `Resumed: ${nextOf(resumed)}`);
    });
  schedule
    .command("remove")
    .description("delete a schedule and the record of its firings")
    .argument("<id>", "the schedule")
    .action(async (id: string, _options: unknown, command: Command) => {
      await use(deps, (access) => access.remove(id));
      print(isJson(command), { removed: id }, () => "Removed");
    });
  schedule
    .command("run")
    .description("fire a schedule now, out of turn, also a paused one")
    .argument("<id>", "the schedule")
    .action(async (id: string, _options: unknown, command: Command) => {
      const firing = await use(deps, (access) => access.run(id));
      print(
        isJson(command),
        { firing },
        () => "Fired: it is carried out once, by a running server",
      );
    });
}

interface AddOptions {
  readonly name?: string;
  readonly cron?: string;
  readonly tz?: string;
  readonly at?: number;
  readonly every?: number;
  readonly missed: NewScheduleRequest["missed"];
  readonly message?: string;
  readonly session?: string;
  readonly skill?: string;
  readonly tool?: string;
  readonly input?: JsonValue;
}

function addAdd(schedule: Command, deps: ScheduleDeps): void {
  schedule
    .command("add")
    .description("make a schedule")
    .option("--name <name>", "what it is called; what it does unless given")
    .addOption(
      new Option("--cron <expression>", 'as "0 9 * * 1-5", or with seconds first').conflicts([
        "at",
        "every",
      ]),
    )
    .option("--tz <zone>", 'the time zone of --cron, as "Europe/Berlin"; this machine\'s')
    .addOption(
      new Option("--at <time>", 'once, as "2030-01-31T09:00:00+01:00"')
        .argParser(parseTime)
        .conflicts("every"),
    )
    .addOption(new Option("--every <span>", 'as "15m", "90s", "6h", "1d"').argParser(parseSpan))
    .addOption(
      new Option("--missed <rule>", "what becomes of times at which no server ran")
        .choices(["skip", "once", "all"])
        .default("once"),
    )
    .addOption(new Option("--message <text>", "what to say to the agent").conflicts("skill"))
    .option("--session <id>", "the conversation for --message; one of its own unless given")
    .option("--skill <name>", "the skill to call, with --tool and --input")
    .option("--tool <name>", "the tool to call")
    .option("--input <json>", "its input", parseJson)
    .action(async (options: AddOptions, command: Command) => {
      const request = toRequest(options);
      const added = await use(deps, (access) => access.add(request));
      print(
        isJson(command),
        { schedule: added },
        () => `Added ${added.id}, "${plain(added.name)}": ${nextOf(added)}`,
      );
    });
}

function toRequest(options: AddOptions): NewScheduleRequest {
  const action = toAction(options);
  const what = action.kind === "message" ? action.text : `${action.skill}.${action.tool}`;
  const name = options.name ?? what.replaceAll(/\s+/gu, " ").trim().slice(0, NAME_CHARS);
  return { name, when: toWhen(options), missed: options.missed, action };
}

const NAME_CHARS = 60;
const LIMIT_MOST = 200;

function toWhen({ cron, tz, at, every }: AddOptions): NewScheduleRequest["when"] {
  if (tz !== undefined && cron === undefined) throw new UsageError("--tz goes with --cron");
  if (cron !== undefined) {
    const timeZone = tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    return { kind: "cron", expression: cron, timeZone };
  }
  if (at !== undefined) return { kind: "at", atMs: at };
  if (every !== undefined) return { kind: "every", everyMs: every };
  throw new UsageError("Cannot tell when: expected --cron, --at or --every");
}

function toAction(options: AddOptions): NewScheduleRequest["action"] {
  const { message: text, session: sessionId, skill, tool, input = {} } = options;
  if (text !== undefined) {
    if (tool !== undefined) throw new UsageError("--tool goes with --skill");
    return { kind: "message", text, ...(sessionId === undefined ? {} : { sessionId }) };
  }
  if (sessionId !== undefined) throw new UsageError("--session goes with --message");
  if (skill === undefined)
    throw new UsageError("Cannot tell what to do: expected --message or --skill");
  if (tool === undefined) throw new UsageError("Cannot tell which tool: expected --tool");
  return { kind: "tool-call", skill, tool, input };
}

function parseTime(raw: string): number {
  const atMs = Date.parse(raw);
  if (/^\d{4}-\d{2}-\d{2}T/u.test(raw) && Number.isFinite(atMs)) return atMs;
  throw new InvalidArgumentError('expected a time such as "2030-01-31T09:00:00+01:00"');
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function parseSpan(raw: string): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/u.exec(raw) ?? [];
  const spanMs = Number(count) * (UNITS_MS[unit] ?? Number.NaN);
  if (Number.isFinite(spanMs)) return spanMs;
  throw new InvalidArgumentError('expected a number and s, m, h or d, as "15m"');
}

function parseLimit(raw: string): number {
  const limit = Number(raw);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MOST) return limit;
  throw new InvalidArgumentError(`expected an integer from 1 to ${LIMIT_MOST}`);
}

function parseJson(raw: string): JsonValue {
  try {
    return JSON.parse(raw) as JsonValue;
  } catch {
    throw new InvalidArgumentError("expected JSON");
  }
}

async function use<T>({ open }: ScheduleDeps, work: (access: ScheduleAccess) => Promise<T>) {
  const access = await open();
  try {
    return await work(access);
  } finally {
    await access[Symbol.asyncDispose]();
  }
}

function toList(schedules: readonly ShownSchedule[]): string {
  if (schedules.length === 0) return "No schedules";
  const head = ["ID", "NAME", "WHEN", "NEXT", "LAST", "DOES"];
  return toTable([head, ...schedules.map((each) => toRow(each).map(plain))]);
}

function toRow(schedule: ShownSchedule): readonly string[] {
  const { id, name, when, action, lastFiredAtMs } = schedule;
  const does = action.kind === "message" ? "message" : `${action.skill}.${action.tool}`;
  return [id, name, toWhenText(when), nextOf(schedule), toTime(lastFiredAtMs), does];
}

function toFirings(firings: readonly ShownFiring[]): string {
  if (firings.length === 0) return "It has not fired yet";
  const head = ["TIME", "LATE", "STATE", "CAME TO"];
  const rows = firings.map(({ dueAtMs, lateMs, state, turnId, taskId, failure }) => {
    const result = failure === undefined ? (turnId ?? taskId ?? "") : failure.message;
    return [toTime(dueAtMs), lateMs === undefined ? "" : `${lateMs} ms`, state, result].map(plain);
  });
  return toTable([head, ...rows]);
}

function toWhenText(when: ShownSchedule["when"]): string {
  switch (when.kind) {
    case "cron":
      return `${when.expression} (${when.timeZone})`;
    case "at":
      return "once";
    case "every":
      return `every ${when.everyMs / 1_000} s`;
    default:
      return when satisfies never;
  }
}

function nextOf({ state, nextAtMs }: ShownSchedule): string {
  return state === "active" ? toTime(nextAtMs) : state;
}

function toTime(atMs: number | undefined): string {
  return atMs === undefined ? "" : new Date(atMs).toISOString();
}

/** One line, whatever a name holds. */
function plain(text: string): string {
  return toPlainText(text).replaceAll(/\s+/gu, " ");
}
