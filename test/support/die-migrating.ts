import Database from "better-sqlite3";
import { migratePostgres } from "#infrastructure/store/dialects/postgres/migrate-postgres.ts";
import { migrateSqlite } from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";

/*
 * Migrates the database at a place and dies by SIGKILL before statement number so and so, as
 * argument: kind, place, number.
 */

const [kind = "", place = "", number = ""] = process.argv.slice(2);

function beforeStatement(index: number): void {
  if (index === Number(number)) process.kill(process.pid, "SIGKILL");
}

if (kind === "postgres") await migratePostgres(place, { beforeStatement });
else await migrateSqlite(new Database(place), place, { beforeStatement });
