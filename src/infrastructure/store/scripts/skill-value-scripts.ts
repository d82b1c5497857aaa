import type { KvEntry, KvQuota, KvSetResult, KvSpace } from "../../../../runtime/index.ts";
import { queries } from "../load-queries.ts";
import { all, get, run, type Script } from "../script.ts";

export interface SetSkillValue {
  readonly space: KvSpace;
  readonly entry: KvEntry;
  readonly quota: KvQuota;
}

/** No byte of UTF-8: sorts after every key that begins alike. */
const AFTER_TEXT = Buffer.from([0xff]);

export function* findSkillValue(space: KvSpace, key: string): Script<Uint8Array | undefined> {
  const args = { ...argsOf(space), key: toBytes(key) };
  return (yield* get(queries.findSkillValue, args))?.value;
}

/** The keys that begin with `prefix`, in the order of their bytes. */
export function* listSkillKeys(space: KvSpace, prefix: string, limit: number): Script<string[]> {
  const from = toBytes(prefix);
  const before = Buffer.concat([from, AFTER_TEXT]);
  const rows = yield* all(queries.listSkillKeys, { ...argsOf(space), from, before, limit });
  return rows.map(({ key }) => Buffer.from(key).toString("utf8"));
}

export function* setSkillValue({ space, entry, quota }: SetSkillValue): Script<KvSetResult> {
  const key = toBytes(entry.key);
  const bytes = key.length + entry.value.length;
  const args = { ...argsOf(space), key };
  const had = yield* lockSpace(space);
  const earlier = yield* get(queries.findSkillValueSize, args);
  const has = {
    keys: had.keys + (earlier === undefined ? 1 : 0),
    bytes: had.bytes + bytes - (earlier?.bytes ?? 0),
  };
  if (has.keys > quota.maxKeys || has.bytes > quota.maxBytes) return { kind: "full", ...has };
  yield* run(queries.saveSkillSpace, { ...args, ...has });
  yield* run(queries.saveSkillValue, { ...args, bytes, value: entry.value });
  return { kind: "stored" };
}

/** Whether there was such a key. */
export function* deleteSkillValue(space: KvSpace, key: string): Script<boolean> {
  const args = { ...argsOf(space), key: toBytes(key) };
  const had = yield* get(queries.lockSkillSpace, args);
  const gone = yield* get(queries.findSkillValueSize, args);
  if (had === undefined || gone === undefined) return false;
  yield* run(queries.deleteSkillValue, args);
  yield* run(queries.saveSkillSpace, {
    ...args,
    keys: had.keys - 1,
    bytes: had.bytes - gone.bytes,
  });
  return true;
}

/** What the space holds. Whoever else wants to write to it waits, so that the quota holds. */
function* lockSpace(space: KvSpace): Script<{ keys: number; bytes: number }> {
  const args = argsOf(space);
  const known = yield* get(queries.lockSkillSpace, args);
  if (known !== undefined) return known;
  yield* run(queries.insertSkillSpace, args);
  return (yield* get(queries.lockSkillSpace, args)) ?? { keys: 0, bytes: 0 };
}

function argsOf({ skill, userId }: KvSpace) {
  return { skill, userId };
}

function toBytes(key: string): Buffer {
  return Buffer.from(key, "utf8");
}
