import type { Command } from "commander";
import { isJson, print } from "./output.ts";

export interface BackupDeps {
  /** Writes a backup of the store and reads it again, whether a server runs or not. */
  readonly write: (file: string) => Promise<BackupReport>;
  /** Reads a backup and holds it against its manifest. */
  readonly verify: (file: string) => Promise<BackupReport>;
}

export interface BackupReport {
  /** The kind of store that it was taken from. */
  readonly store: string;
  readonly takenAtMs: number;
  readonly bytes: number;
  /** Rows by table. */
  readonly tables: Readonly<Record<string, number>>;
}

export function addBackupCommand(program: Command, { write, verify }: BackupDeps): void {
  program
    .command("backup")
    .description("write all data into one file, while the server runs or not")
    .argument("<file>", "the file to write")
    .option("--verify", "write nothing: only check that an existing backup is whole")
    .action(async (file: string, options: { verify?: true }, command: Command) => {
      const report = await (options.verify ? verify(file) : write(file));
      const asJson = isJson(command);
      print(asJson, { file, ...report }, () => toText(file, report));
    });
}

function toText(file: string, { store, takenAtMs, bytes, tables }: BackupReport): string {
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`;
  const taken = new Date(takenAtMs).toISOString();
  return `${file}: whole, ${rows} rows in ${Object.keys(tables).length} tables, ${size}, of ${store} at ${taken}`;
}
