import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

const changing = {
  version: arg("version"),
  digest: arg("digest"),
  publisher: arg<string | null>("publisher"),
  manifest_json: arg("manifestJson"),
  grants_json: arg("grantsJson"),
  state: arg("state"),
  state_since_ms: arg<number>("stateSinceMs"),
  state_by: arg<string | null>("stateBy"),
  state_reason: arg<string | null>("stateReason"),
  installed_at_ms: arg<number>("installedAtMs"),
  installed_by: arg("installedBy"),
};

export const installedSkillQueries = {
  insertInstalledSkill: compile(
    builder
      .insertInto("installed_skill")
      .values({ ...changing, name: arg("name"), revision: 0 })
      .onConflict((conflict) => conflict.column("name").doNothing()),
  ),
  updateInstalledSkill: compile(
    builder
      .updateTable("installed_skill")
      .set((skill) => ({ ...changing, revision: skill("revision", "+", 1) }))
      .where("name", "=", arg("name"))
      .where("revision", "=", arg<number>("revision")),
  ),
  deleteInstalledSkill: compile(
    builder.deleteFrom("installed_skill").where("name", "=", arg("name")),
  ),
  findInstalledSkill: compile<Schema["installed_skill"]>(
    builder.selectFrom("installed_skill").selectAll().where("name", "=", arg("name")),
  ),
  /** An empty state is any. */
  listInstalledSkills: compile<Schema["installed_skill"]>(
    builder
      .selectFrom("installed_skill")
      .selectAll()
      .where(sql<boolean>`${arg("state")} in ('', state)`)
      .orderBy("name"),
  ),
};
