import { type RawBuilder, sql } from "kysely";
import type { Dialect } from "../query.ts";
import { arg } from "../query-builder.ts";

/** The ids of the argument `idsJson`, a JSON array: what a column may be "in". */
export const ID_OF: Readonly<Record<Dialect, RawBuilder<string>>> = {
  sqlite: sql<string>`(select value from json_each(${arg("idsJson")}))`,
  postgres: sql<string>`(select json_array_elements_text(${arg("idsJson")}::json))`,
};
