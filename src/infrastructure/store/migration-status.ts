import { Fault } from "#domain/shared/fault.ts";
import { MIGRATION_NAMES } from "./migrations.ts";

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/**
 * What a database lacks that has had the migrations `applied`. Throws `Fault` `STORE_TOO_NEW` where
 * a newer program wrote it; `what` names the database.
 */
export function toMigrationStatus(applied: readonly string[], what: string): MigrationStatus {
  const unknown = applied.find((name) => !MIGRATION_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new Fault(
      "STORE_TOO_NEW",
      `Cannot use ${what}: a newer Nexflow wrote it (migration "${unknown}"); ` +
        `expected at most "${MIGRATION_NAMES.at(-1)}". Use that version, or another database`,
    );
  }
  return { applied, pending: MIGRATION_NAMES.filter((name) => !applied.includes(name)) };
}
