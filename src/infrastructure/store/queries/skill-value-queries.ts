import { arg, builder, compile } from "../query-builder.ts";

export const skillValueQueries = {
  lockSkillSpace: compile(skillSpace(), skillSpace().forUpdate()),
  insertSkillSpace: compile(
    builder
      .insertInto("skill_kv_space")
      .values({ skill: arg("skill"), user_id: arg("userId"), keys: 0, bytes: 0 })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  saveSkillSpace: compile(
    builder
      .insertInto("skill_kv_space")
      .values({
        skill: arg("skill"),
        user_id: arg("userId"),
        keys: arg<number>("keys"),
        bytes: arg<number>("bytes"),
      })
      .onConflict((conflict) =>
        conflict.columns(["skill", "user_id"]).doUpdateSet((excluded) => ({
          keys: excluded.ref("excluded.keys"),
          bytes: excluded.ref("excluded.bytes"),
        })),
      ),
  ),
  findSkillValue: compile<{ value: Uint8Array }>(
    builder
      .selectFrom("skill_kv")
      .select("value")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  findSkillValueSize: compile<{ bytes: number }>(
    builder
      .selectFrom("skill_kv")
      .select("bytes")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  saveSkillValue: compile(
    builder
      .insertInto("skill_kv")
      .values({
        skill: arg("skill"),
        user_id: arg("userId"),
        key: arg<Uint8Array>("key"),
        bytes: arg<number>("bytes"),
        value: arg<Uint8Array>("value"),
      })
      .onConflict((conflict) =>
        conflict.columns(["skill", "user_id", "key"]).doUpdateSet((excluded) => ({
          bytes: excluded.ref("excluded.bytes"),
          value: excluded.ref("excluded.value"),
        })),
      ),
  ),
  deleteSkillValue: compile(
    builder
      .deleteFrom("skill_kv")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  listSkillKeys: compile<{ key: Uint8Array }>(
    builder
      .selectFrom("skill_kv")
      .select("key")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", ">=", arg<Uint8Array>("from"))
      .where("key", "<", arg<Uint8Array>("before"))
      .orderBy("key")
      .limit(arg<number>("limit")),
  ),
};

function skillSpace() {
  return builder
    .selectFrom("skill_kv_space")
    .select(["keys", "bytes"])
    .where("skill", "=", arg("skill"))
    .where("user_id", "=", arg("userId"));
}
