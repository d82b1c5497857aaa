import { type RawBuilder, sql } from "kysely";
import type { Dialect } from "../query.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export type PrincipalRow = Schema["user"] &
  Pick<Schema["credential"], "credential_id" | "expires_at_ms" | "scopes">;

/** The ids that a JSON list holds: any number of them in one statement. */
const IDS: Readonly<Record<Dialect, RawBuilder<string>>> = {
  sqlite: sql<string>`(select value from json_each(${arg("idsJson")}))`,
  postgres: sql<string>`(select jsonb_array_elements_text(cast(${arg("idsJson")} as jsonb)))`,
};

export const credentialQueries = {
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
        credential_id: arg("id"),
        scopes: arg("scopes"),
        parent_id: arg<string | null>("parentId"),
        last_used_at_ms: null,
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  findPrincipal: compile<PrincipalRow>(
    principals().where("hash", "=", arg("hash")).where("kind", "=", arg("kind")),
  ),
  listPrincipals: compile<PrincipalRow>(
    principals().where("credential_id", "in", IDS.sqlite),
    principals().where("credential_id", "in", IDS.postgres),
  ),
  listCredentials: compile<Schema["credential"]>(
    builder
      .selectFrom("credential")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where("credential_id", ">", arg("after"))
      .orderBy("credential_id")
      .limit(arg<number>("limit")),
  ),
  listCredentialsOfUser: compile<{ credential_id: string }>(
    builder.selectFrom("credential").select("credential_id").where("user_id", "=", arg("userId")),
  ),
  findAnyToken: compile<{ hash: string }>(
    builder.selectFrom("credential").select("hash").where("kind", "=", "token").limit(1),
  ),
  listTokensLabelled: compile<Schema["credential"]>(
    builder
      .selectFrom("credential")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where("kind", "=", "token")
      .where("label", "=", arg("label")),
  ),
  findCredential: compile<Schema["credential"]>(byId()),
  /** Nobody revokes it while something is opened by it. */
  shareCredential: compile<Schema["credential"]>(byId(), byId().forKeyShare()),
  lockCredential: compile<Schema["credential"]>(byId(), byId().forUpdate()),
  lockCredentialByHash: compile<Schema["credential"]>(byHash(), byHash().forUpdate()),
  /** With what was made by it, but not yet what was made by that. */
  deleteCredential: compile<{ credential_id: string }>(
    builder
      .deleteFrom("credential")
      .where((where) =>
        where.or([where("credential_id", "=", arg("id")), where("parent_id", "=", arg("id"))]),
      )
      .returning("credential_id"),
  ),
  deleteExpiredCredentials: compile(
    builder.deleteFrom("credential").where("expires_at_ms", "<=", arg<number>("nowMs")),
  ),
  touchCredentials: compile(
    touch().where("credential_id", "in", IDS.sqlite),
    touch().where("credential_id", "in", IDS.postgres),
  ),
};

/** Whose credential has not expired. */
function principals() {
  return builder
    .selectFrom("credential")
    .innerJoin("user", "user.user_id", "credential.user_id")
    .selectAll("user")
    .select(["credential_id", "scopes", "expires_at_ms"])
    .where((where) =>
      where.or([
        where("expires_at_ms", "is", null),
        where("expires_at_ms", ">", arg<number>("nowMs")),
      ]),
    );
}

function byId() {
  return builder.selectFrom("credential").selectAll().where("credential_id", "=", arg("id"));
}

function byHash() {
  return builder.selectFrom("credential").selectAll().where("hash", "=", arg("hash"));
}

function touch() {
  return builder
    .updateTable("credential")
    .set({ last_used_at_ms: arg<number>("nowMs") })
    .where((where) =>
      where.or([
        where("last_used_at_ms", "is", null),
        where("last_used_at_ms", "<=", arg<number>("staleMs")),
      ]),
    );
}
