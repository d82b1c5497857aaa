import type { Command } from "commander";
import { isJson, print } from "./output.ts";

export interface RestoreDeps {
  /** Puts a backup in the place of the store's data, all of it or nothing. */
  readonly restore: (request: RestoreRequest) => Promise<RestoreReport>;
}

export interface RestoreRequest {
  readonly file: string;
  /** Also over other data. */
  readonly isForced: boolean;
}

export interface RestoreReport {
  /** The kind of store that was written. */
  readonly store: string;
  readonly takenAtMs: number;
  /** Migrations that the backup lacked. */
  readonly migrated: readonly string[];
  /** Where what was there before has been put, in the SQLite store. */
  readonly movedTo: string | undefined;
  /** Rows by table, as the backup had them. */
  readonly tables: Readonly<Record<string, number>>;
}

export function addRestoreCommand(program: Command, { restore }: RestoreDeps): void {
  program
    .command("restore")
    .description("put a backup in the place of the data; no server may run on it")
    .argument("<file>", "a file that backup wrote, from either kind of store")
    .option("--force", "even where there is data: SQLite keeps it beside, Postgres does not")
    .action(async (file: string, options: { force?: true }, command: Command) => {
      const report = await restore({ file, isForced: options.force === true });
      const asJson = isJson(command);
      print(asJson, { file, ...report, movedTo: report.movedTo ?? null }, () => toText(report));
    });
}

function toText({ store, takenAtMs, migrated, movedTo, tables }: RestoreReport): string {
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  const lines = [`Restored ${rows} rows of ${new Date(takenAtMs).toISOString()} into ${store}`];
  if (migrated.length > 0) lines.push(`Migrated: ${migrated.join(", ")}`);
  if (movedTo !== undefined) lines.push(`What was there before is in ${movedTo}`);
  return lines.join("\n");
}
