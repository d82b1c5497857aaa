import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const mcpPinQueries = {
  insertMcpPin: compile(
    builder
      .insertInto("mcp_pin")
      .values({
        server: arg("server"),
        accept: arg<number>("accept"),
        tool: arg("tool"),
        digest: arg("digest"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  listMcpPins: compile<Schema["mcp_pin"]>(
    builder
      .selectFrom("mcp_pin")
      .selectAll()
      .where("server", "=", arg("server"))
      .where("accept", "=", arg<number>("accept")),
  ),
};
