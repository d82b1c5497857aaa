import type { ExpressionBuilder } from "kysely";
import type { Schema } from "./schema.ts";

/** The part of a `ContextVersion` that is the user's, in a statement that goes by their session. */
export function userContextVersion(row: ExpressionBuilder<Schema, "session">) {
  return row
    .selectFrom("user")
    .select("user.context_version")
    .whereRef("user.user_id", "=", "session.user_id")
    .as("user_context_version");
}
