import type { KvEntry, KvQuota, KvSetResult, KvSpace } from "../../../../runtime/index.ts";
import { queries } from "../load-queries.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

export interface SetSkillValue {
  readonly space: KvSpace;
  readonly entry: KvEntry;
  readonly quota: KvQuota;
}

/** No byte of UTF-8: sorts after every key that begins alike. */
const AFTER_TEXT = Buffer.from([0xff]);

export function findSkillValue(
  db: SqliteConnection,
  space: KvSpace,
  key: string,
): Uint8Array | undefined {
  return db.get(queries.findSkillValue, { ...argsOf(space), key: toBytes(key) })?.value;
}

/** The keys that begin with `prefix`, in the order of their bytes. */
export function listSkillKeys(
  db: SqliteConnection,
  space: KvSpace,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): string[] {
  const from = toBytes(prefix);
  const before = Buffer.concat([from, AFTER_TEXT]);
  return db
    .all(queries.listSkillKeys, { ...argsOf(space), from, before, limit })
    .map(({ key }) => Buffer.from(key).toString("utf8"));
}

/** To be called in a transaction, like every write. */
export function setSkillValue(
  db: SqliteConnection,
  { space, entry, quota }: SetSkillValue,
): KvSetResult {
  const key = toBytes(entry.key);
  const bytes = key.length + entry.value.length;
  const args = { ...argsOf(space), key };
  const had = db.get(queries.findSkillSpace, args) ?? { keys: 0, bytes: 0 };
  const earlier = db.get(queries.findSkillValueSize, args);
  const has = {
    keys: had.keys + (earlier === undefined ? 1 : 0),
    bytes: had.bytes + bytes - (earlier?.bytes ?? 0),
  };
  if (has.keys > quota.maxKeys || has.bytes > quota.maxBytes) return { kind: "full", ...has };
  db.run(queries.saveSkillSpace, { ...args, ...has });
  db.run(queries.saveSkillValue, { ...args, bytes, value: entry.value });
  return { kind: "stored" };
}

/** Whether there was such a key. To be called in a transaction, like every write. */
export function deleteSkillValue(db: SqliteConnection, space: KvSpace, key: string): boolean {
  const args = { ...argsOf(space), key: toBytes(key) };
  const had = db.get(queries.findSkillSpace, args);
  const gone = db.get(queries.findSkillValueSize, args);
  if (had === undefined || gone === undefined) return false;
  db.run(queries.deleteSkillValue, args);
  db.run(queries.saveSkillSpace, {
    ...args,
    keys: had.keys - 1,
    bytes: had.bytes - gone.bytes,
  });
  return true;
}

function argsOf({ skill, userId }: KvSpace) {
  return { skill, userId };
}

function toBytes(key: string): Buffer {
  return Buffer.from(key, "utf8");
}
