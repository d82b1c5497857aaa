import type Database from "better-sqlite3";
import { Fault } from "#domain/shared/fault.ts";

/** Reads every page of a database. Throws `Fault` `STORE_UNAVAILABLE` where one is damaged. */
export function assertSound(database: Database.Database, file: string): void {
  const [first] = database.pragma("quick_check(1)") as { readonly quick_check: string }[];
  const found = first?.quick_check ?? "no answer";
  if (found === "ok") return;
  throw new Fault(
    "STORE_UNAVAILABLE",
    `Cannot use the database "${file}": it is damaged (${found.replaceAll(/\s+/gu, " ")}); ` +
      "restore a backup, Nexflow does not start empty over it",
  );
}
