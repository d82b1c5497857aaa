import type { Kv, KvEntry, KvQuota, KvSetResult, KvSpace } from "./kv.ts";

/** A `Kv` that forgets everything when the program ends. */
export function openMemoryKv(): Kv {
  const spaces = new Map<string, Values>();
  const valuesOf = (space: KvSpace): Values => spaces.get(nameOf(space)) ?? new Map();
  return {
    async get(space, key) {
      return valuesOf(space).get(key)?.slice();
    },
    async set(space, entry, quota) {
      const values = valuesOf(space);
      const result = toSetResult(values, entry, quota);
      if (result.kind === "full") return result;
      values.set(entry.key, Uint8Array.from(entry.value));
      spaces.set(nameOf(space), values);
      return result;
    },
    async delete(space, key) {
      const values = valuesOf(space);
      const wasThere = values.delete(key);
      if (values.size === 0) spaces.delete(nameOf(space));
      return wasThere;
    },
    async list(space, prefix, limit) {
      const keys = [...valuesOf(space).keys()].filter((key) => key.startsWith(prefix));
      return keys.toSorted(byBytes).slice(0, limit);
    },
  };
}

type Values = Map<string, Uint8Array>;

function nameOf({ skill, userId }: KvSpace): string {
  return JSON.stringify([skill, userId]);
}

function toSetResult(values: Values, { key, value }: KvEntry, quota: KvQuota): KvSetResult {
  const others = [...values].filter(([other]) => other !== key);
  const bytes = [...others, [key, value] as const].reduce(
    (sum, [name, { length }]) => sum + Buffer.byteLength(name) + length,
    0,
  );
  const keys = others.length + 1;
  if (bytes <= quota.maxBytes && keys <= quota.maxKeys) return { kind: "stored" };
  return { kind: "full", bytes, keys };
}

/** UTF-16 orders some characters otherwise than their bytes do. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
