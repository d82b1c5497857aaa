import type { Command } from "commander";
import { isJson, print } from "./output.ts";

export interface MigrateDeps {
  readonly status: () => Promise<SchemaStatus>;
  /** Applies what is pending and gives the names. */
  readonly migrate: () => Promise<readonly string[]>;
}

export interface SchemaStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

export function addMigrateCommand(program: Command, { status, migrate }: MigrateDeps): void {
  program
    .command("migrate")
    .description("bring the database to this version's schema (serve does so by itself)")
    .option("--status", "only tell what is applied and what is pending")
    .action(async (options: { status?: true }, command: Command) => {
      const asJson = isJson(command);
      if (options.status) {
        const found = await status();
        print(asJson, found, () => toText(found));
      } else {
        const applied = await migrate();
        print(asJson, { applied }, () => `Applied: ${listOf(applied)}`);
      }
    });
}

function toText({ applied, pending }: SchemaStatus): string {
  return `Applied: ${listOf(applied)}\nPending: ${listOf(pending)}`;
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
