import type { Kv } from "../../../runtime/index.ts";
import type { SqliteReader } from "./sqlite/sqlite-reader.ts";
import type { WriteClient } from "./store-client.ts";

export interface SkillKvDeps {
  readonly writer: WriteClient;
  /** A reading connection of the caller's own. */
  readonly reader: () => SqliteReader;
}

/**
 * What skills keep, in the store: durable when `set` and `delete` are answered, gone with its
 * user. Rejects with `Fault` `STORE_UNAVAILABLE`, also where there is no such user.
 */
export function createSkillKv({ writer, reader }: SkillKvDeps): Kv {
  return {
    get: async (space, key) => reader().findSkillValue(space, key),
    set: (space, { key, value }, quota) => {
      // A copy: what travels to the store's thread is all the memory that a view looks into.
      const entry = { key, value: new Uint8Array(value) };
      return writer.call("setSkillValue", { space, entry, quota });
    },
    delete: (space, key) => writer.call("deleteSkillValue", space, key),
    list: async (space, prefix, limit) => reader().listSkillKeys(space, prefix, limit),
  };
}
