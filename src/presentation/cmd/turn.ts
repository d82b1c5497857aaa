import type { Command } from "commander";
import { CommandError } from "./command-error.ts";
import { isJson, print } from "./output.ts";
import { type ShownTimeline, toTimelineText } from "./timeline-text.ts";

export interface TurnDeps {
  /** Of a running server, else of the store; nothing where there is no such turn. */
  readonly readTimeline: (request: TimelineRequest) => Promise<ShownTimeline | undefined>;
}

export interface TimelineRequest {
  readonly turnId: string;
  /** Whose turn it is; on a server one's own where it is left out. */
  readonly userId?: string | undefined;
}

/** Adds `turn`: what was done in a turn. */
export function addTurnCommand(program: Command, { readTimeline }: TurnDeps): void {
  const turn = program.command("turn").description("what the agent did about a message");
  turn
    .command("show")
    .description("show a turn step by step: models, tools, approvals, tokens, cost, time")
    .argument("<turn>", "its id, as logs, tasks and clients have it")
    .option("--user <user>", "whose turn it is, where it is not your own")
    .action(async (turnId: string, { user }: { user?: string }, command: Command) => {
      const timeline = await readTimeline({ turnId, userId: user });
      if (timeline === undefined) {
        const message = `Cannot find turn ${JSON.stringify(turnId)}: expected the id of one that is stored here`;
        throw new CommandError("not-found", message);
      }
      print(isJson(command), timeline, () => toTimelineText(timeline));
    });
}
