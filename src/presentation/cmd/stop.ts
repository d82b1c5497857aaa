import type { Command } from "commander";
import { UsageError } from "./exit-code.ts";
import { print, toPlainText } from "./output.ts";

export interface StopDeps {
  /** The agents of the running server or, where none runs, what the next one finds in its store. */
  readonly open: () => Promise<StopAccess>;
}

/** What stops agents. All throw `CommandError` with what to do about it. */
export interface StopAccess extends AsyncDisposable {
  stopAll(reason: string | undefined): Promise<ShownBrake>;
  release(): Promise<void>;
  stopTurn(turnId: string): Promise<void>;
}

export interface ShownBrake {
  readonly sinceMs?: number | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

interface StopOptions {
  readonly all?: boolean;
  readonly release?: boolean;
  readonly reason?: string;
}

export function addStopCommand(program: Command, deps: StopDeps): void {
  program
    .command("stop")
    .description("stop one turn, or all agents on all instances until they are released")
    .argument("[turn]", "the turn to stop")
    .option("--all", "stop all agents: nothing is answered and no tool is called any more")
    .option("--reason <text>", "why, for all who write meanwhile")
    .option("--release", "let agents work again")
    .action(async (turn: string | undefined, options: StopOptions, command: Command) => {
      assertOne(turn, options);
      const access = await deps.open();
      try {
        const isJson = command.optsWithGlobals<{ json?: boolean }>().json === true;
        await stop(access, { turn, ...options }, isJson);
      } finally {
        await access[Symbol.asyncDispose]();
      }
    });
}

async function stop(
  access: StopAccess,
  { turn, all, reason }: StopOptions & { readonly turn: string | undefined },
  isJson: boolean,
): Promise<void> {
  if (turn !== undefined) {
    await access.stopTurn(turn);
    return print(isJson, { stopped: turn }, () => `Turn ${toPlainText(turn)} is being stopped`);
  }
  if (all !== true) {
    await access.release();
    return print(isJson, { released: true }, () => "Agents may work again");
  }
  const brake = await access.stopAll(reason);
  print(isJson, { brake }, () => {
    const why = brake.reason === undefined ? "" : `: ${toPlainText(brake.reason)}`;
    return `All agents are stopped${why}\n"nexflow stop --release" lets them work again`;
  });
}

function assertOne(turn: string | undefined, { all, release, reason }: StopOptions): void {
  const asked = [turn !== undefined, all === true, release === true].filter(Boolean);
  if (asked.length !== 1) throw new UsageError("Cannot stop: expected a turn, --all or --release");
  if (reason !== undefined && all !== true) {
    throw new UsageError("Cannot use --reason: expected it with --all");
  }
}
