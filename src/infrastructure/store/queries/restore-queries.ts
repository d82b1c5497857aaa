import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";

export const restoreQueries = {
  /** To a number that no run has had, whatever was given out after the backup was taken. */
  jumpEpoch: compile(
    builder
      .updateTable("counter")
      .set({
        value: sql<number>`case when value < ${arg<number>("epoch")}
          then cast(${arg<number>("epoch")} as bigint) else value + 1 end`,
      })
      .where("name", "=", "epoch"),
  ),
};
