import type { Command } from "commander";
import { isOffline } from "#domain/model/model-name.ts";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";
import { isJson, print, toTable } from "./output.ts";

export interface ServeDeps {
  readonly start: () => Promise<RunningServer>;
}

export interface RunningServer {
  readonly url: string;
  /** Only at the first start: shown this once. */
  readonly loginUrl?: string | undefined;
  readonly model: string;
  readonly homeDir: string;
  /** Fulfilled where the server cannot go on. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

export function addServeCommand(program: Command, { start }: ServeDeps): void {
  program
    .command("serve")
    .description("run the server until it is stopped (SIGINT or SIGTERM; twice to stop at once)")
    .action(async (_options: unknown, command: Command) => {
      const stopAsked = awaitStopSignal();
      const server = await start();
      print(isJson(command), toReady(server), () => toText(server));
      const lost = await Promise.race([stopAsked, server.lost]);
      if (lost !== undefined) {
        throw new CommandError("lost", `Cannot go on: ${lost.message}`, { cause: lost });
      }
      await server.close();
    });
}

/** Resolves at the first signal to stop; a second one ends the process on the spot. */
function awaitStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const stop = () => {
      count += 1;
      if (count > 1) process.exit(EXIT.interrupted);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}

function toReady({ url, loginUrl, model, homeDir }: RunningServer) {
  return { kind: "ready", url, ...(loginUrl && { loginUrl }), model, homeDir, pid: process.pid };
}

function toText({ url, loginUrl, model, homeDir }: RunningServer): string {
  const about = isOffline(model) ? " (built-in rules, no language model)" : "";
  const rows = [
    ["  Open", url],
    ...(loginUrl ? [["  Log in", `${loginUrl}  (shown only now)`]] : []),
    ["  Model", `${model}${about}`],
    ["  Data", homeDir],
  ];
  return `\nNexflow is ready\n\n${toTable(rows)}\n\nStop with Ctrl-C\n`;
}
