import type { Kv, KvEntry, KvQuota, KvSetResult, KvSpace } from "./kv.ts";

/** A `Kv` that forgets everything when the program ends. */
export function openMemoryKv(): Kv {
  const spaces = new Map<string, Space>();
  const find = (space: KvSpace) => spaces.get(nameOf(space));
  return {
    async get(space, key) {
      return find(space)?.values.get(key)?.slice();
    },
    async set(space, entry, quota) {
      const held = find(space) ?? { values: new Map(), bytes: 0 };
      const result = toSetResult(held, entry, quota);
      if (result.kind === "full") return result;
      held.bytes += entrySize(entry) - sizeOf(held, entry.key);
      held.values.set(entry.key, Uint8Array.from(entry.value));
      spaces.set(nameOf(space), held);
      return result;
    },
    async delete(space, key) {
      const held = find(space);
      if (held === undefined) return false;
      held.bytes -= sizeOf(held, key);
      const wasThere = held.values.delete(key);
      if (held.values.size === 0) spaces.delete(nameOf(space));
      return wasThere;
    },
    async list(space, prefix, limit) {
      const keys = [...(find(space)?.values.keys() ?? [])];
      return keys
        .filter((key) => key.startsWith(prefix))
        .toSorted(byBytes)
        .slice(0, limit);
    },
  };
}

interface Space {
  readonly values: Map<string, Uint8Array>;
  /** Of keys and values. */
  bytes: number;
}

function nameOf({ skill, userId }: KvSpace): string {
  return JSON.stringify([skill, userId]);
}

function toSetResult(held: Space, entry: KvEntry, quota: KvQuota): KvSetResult {
  const bytes = held.bytes + entrySize(entry) - sizeOf(held, entry.key);
  const keys = held.values.size + (held.values.has(entry.key) ? 0 : 1);
  if (bytes <= quota.maxBytes && keys <= quota.maxKeys) return { kind: "stored" };
  return { kind: "full", bytes, keys };
}

/** What the entry of `key` takes, 0 where there is none. */
function sizeOf({ values }: Space, key: string): number {
  const value = values.get(key);
  return value === undefined ? 0 : entrySize({ key, value });
}

function entrySize({ key, value }: KvEntry): number {
  return Buffer.byteLength(key) + value.length;
}

/** UTF-16 orders some characters otherwise than their bytes do. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
