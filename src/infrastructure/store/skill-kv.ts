import type { Kv } from "../../../runtime/index.ts";
import type { ReadCaller, WriteCaller } from "./repositories.ts";

export interface SkillKvDeps {
  readonly writer: WriteCaller;
  readonly reader: ReadCaller;
}

/**
 * What skills keep, in the store: durable when `set` and `delete` are answered, gone with its
 * user. Rejects with `Fault` `STORE_UNAVAILABLE`, also where there is no such user.
 */
export function createSkillKv({ writer, reader }: SkillKvDeps): Kv {
  return {
    get: (space, key) => reader.call("findSkillValue", space, key),
    set: (space, { key, value }, quota) => {
      // A copy: what travels to the store's thread is all the memory that a view looks into.
      const entry = { key, value: new Uint8Array(value) };
      return writer.call("setSkillValue", { space, entry, quota });
    },
    delete: (space, key) => writer.call("deleteSkillValue", space, key),
    list: (space, prefix, limit) => reader.call("listSkillKeys", space, prefix, limit),
  };
}
