import { type RawBuilder, sql } from "kysely";
import type { Dialect } from "../query.ts";

/** The database's own clock, in milliseconds: the one that all instances share. */
export const NOW_MS: Readonly<Record<Dialect, RawBuilder<number>>> = {
  sqlite: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
  postgres: sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
};
