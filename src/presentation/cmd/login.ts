import type { Command } from "commander";
import { print } from "./output.ts";

export interface LoginDeps {
  /** A fresh link that logs in as the administrator. */
  readonly mintLoginUrl: () => Promise<string>;
}

export function addLoginCommand(program: Command, { mintLoginUrl }: LoginDeps): void {
  program
    .command("login")
    .description("make a fresh link that logs in as the administrator of this data directory")
    .action(async (_options: unknown, command: Command) => {
      const loginUrl = await mintLoginUrl();
      print(command.optsWithGlobals()["json"] === true, { loginUrl }, () => loginUrl);
    });
}
