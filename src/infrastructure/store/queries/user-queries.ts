import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const userQueries = {
  insertUser: compile(
    builder
      .insertInto("user")
      .values({
        user_id: arg("userId"),
        name: arg("name"),
        role: arg("role"),
        created_at_ms: arg<number>("createdAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  findUser: compile<Schema["user"]>(
    builder.selectFrom("user").selectAll().where("user_id", "=", arg("userId")),
  ),
  insertCredential: compile(
    builder
      .insertInto("credential")
      .values({
        hash: arg("hash"),
        kind: arg("kind"),
        user_id: arg("userId"),
        label: arg("label"),
        created_at_ms: arg<number>("createdAtMs"),
        expires_at_ms: arg<number | null>("expiresAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deleteCredential: compile(builder.deleteFrom("credential").where("hash", "=", arg("hash"))),
  deleteTokensLabelled: compile(
    builder.deleteFrom("credential").where("kind", "=", "token").where("label", "=", arg("label")),
  ),
  deleteExpiredCredentials: compile(
    builder.deleteFrom("credential").where("expires_at_ms", "<=", arg<number>("nowMs")),
  ),
  findUserByCredential: compile<Schema["user"]>(
    builder
      .selectFrom("credential")
      .innerJoin("user", "user.user_id", "credential.user_id")
      .selectAll("user")
      .where("hash", "=", arg("hash"))
      .where("kind", "=", arg("kind"))
      .where((where) =>
        where.or([
          where("expires_at_ms", "is", null),
          where("expires_at_ms", ">", arg<number>("nowMs")),
        ]),
      ),
  ),
  findAnyToken: compile<{ hash: string }>(
    builder.selectFrom("credential").select("hash").where("kind", "=", "token").limit(1),
  ),
};
