import type { Command } from "commander";
import { CommandError } from "./command-error.ts";
import { isJson, print } from "./output.ts";

export interface LoginDeps {
  /** A fresh link that logs in as the administrator; none where no server has run yet. */
  readonly mintLoginUrl: () => Promise<string | undefined>;
}

export function addLoginCommand(program: Command, { mintLoginUrl }: LoginDeps): void {
  program
    .command("login")
    .description("make a fresh link that logs in as the administrator of this data directory")
    .action(async (_options: unknown, command: Command) => {
      const loginUrl = await mintLoginUrl();
      if (loginUrl === undefined) {
        throw new CommandError(
          "no-database",
          'Cannot make a login link: no database in NEXFLOW_HOME yet, start "nexflow serve" first',
        );
      }
      print(isJson(command), { loginUrl }, () => loginUrl);
    });
}
