import { Fault } from "#domain/shared/fault.ts";
import { toMigrationStatus } from "../migration-status.ts";
import { readBackup } from "./backup-file.ts";
import {
  type BackupHeader,
  type BackupManifest,
  damaged,
  type Row,
  type TableShape,
} from "./backup-format.ts";

/** Where a backup is loaded to. What fails is taken back by whoever made it. */
export interface BackupTarget {
  /** Makes the tables as these migrations leave them, without a row in any. */
  begin(migrations: readonly string[]): Promise<void>;
  insert(table: TableShape, rows: readonly Row[]): Promise<void>;
  /** Called when all is inserted; gives what there is now. */
  end(): Promise<BackupManifest>;
}

export interface LoadedBackup {
  readonly header: BackupHeader;
  readonly manifest: BackupManifest;
}

/**
 * Loads a backup and reads back what was loaded. Throws `Fault`: `BACKUP_INVALID` where the file is
 * damaged, `STORE_TOO_NEW` where a newer Nexflow wrote it.
 */
export async function loadBackup(file: string, target: BackupTarget): Promise<LoadedBackup> {
  let header: BackupHeader | undefined;
  let table: TableShape | undefined;
  let manifest: BackupManifest | undefined;
  for await (const part of readBackup(file)) {
    switch (part.kind) {
      case "header":
        header = part;
        toMigrationStatus(part.migrations, `the backup "${file}"`);
        await target.begin(part.migrations);
        break;
      case "table":
        table = part;
        break;
      case "rows":
        if (table === undefined) throw damaged("there is a row outside a table");
        await target.insert(table, part.rows);
        break;
      case "manifest":
        manifest = part.tables;
        break;
      default:
        part satisfies never;
    }
  }
  if (header === undefined || manifest === undefined) throw damaged("it has no manifest");
  assertSame(manifest, await target.end());
  return { header, manifest };
}

function assertSame(expected: BackupManifest, found: BackupManifest): void {
  for (const [name, { rows, sha256 }] of expected) {
    const there = found.get(name);
    if (there?.rows === rows && there.sha256 === sha256) continue;
    throw new Fault(
      "STORE_UNAVAILABLE",
      `Cannot restore table "${name}": it has ${there?.rows ?? "no"} rows afterwards that are not ` +
        `the ${rows} of the backup`,
    );
  }
}
