import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { Fault } from "#domain/shared/fault.ts";

/*
 * What lies where the database should be, looked at before SQLite is: it makes a new database of a
 * file that is missing or empty, deletes that one's log, and takes a log that it cannot read for
 * none. Each of these may be the last trace of somebody's data.
 */

/** What a database was built as before it was given its name. */
export const UNFINISHED = ".new";

/** How a database is called that made room for a restored one; the time follows. */
export const BEFORE_RESTORE = ".before-restore-";

const WAL_HEADER_BYTES = 32;
const WAL_MAGIC = [0x37_7f_06_82, 0x37_7f_06_83];

/**
 * Whether there is a database at `file`. Throws `Fault` `STORE_UNAVAILABLE` where there is none
 * but once was one, or where its log cannot be read.
 */
export function findDatabase(file: string): boolean {
  const size = sizeOf(file);
  const remains = size === undefined || size === 0 ? listRemains(file) : [];
  if (remains.length > 0) {
    throw refuse(file, `it is ${size === 0 ? "empty" : "gone"}, but there is ${listOf(remains)}`);
  }
  if (size === 0) throw refuse(file, "it is empty");
  if (hasDamagedLog(`${file}-wal`)) {
    throw refuse(file, `its log "${path.basename(file)}-wal" is damaged`);
  }
  return size !== undefined;
}

function refuse(file: string, reason: string): Fault {
  return new Fault(
    "STORE_UNAVAILABLE",
    `Cannot use the database "${file}": ${reason}. Restore a backup, or put these files away to ` +
      "start anew; Nexflow does not start empty over old data",
  );
}

/** Logs with something in them, and copies that Nexflow made of an earlier database. */
function listRemains(file: string): readonly string[] {
  const name = path.basename(file);
  const isRemain = (other: string) =>
    (other === `${name}-wal` && (sizeOf(`${file}-wal`) ?? 0) > 0) ||
    /^\.(?:.+\.bak|before-restore-.+)$/u.test(other.slice(name.length));
  const found = listDirectory(path.dirname(file)).filter(
    (other) => other.startsWith(name) && isRemain(other),
  );
  return found.toSorted();
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function listDirectory(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Whether a log has a head, and it is none. One of zeros was never written. */
function hasDamagedLog(file: string): boolean {
  const size = sizeOf(file);
  if (size === undefined || size < WAL_HEADER_BYTES) return false;
  const head = readHead(file);
  if (head.every((byte) => byte === 0)) return false;
  const magic = head.readUInt32BE(0);
  return !WAL_MAGIC.includes(magic) || !hasChecksum(head, magic === WAL_MAGIC[1]);
}

/** SQLite's own sum over the first 24 bytes of the head, which its last 8 bytes hold. */
function hasChecksum(head: Buffer, isBigEndian: boolean): boolean {
  const word = (at: number) => (isBigEndian ? head.readUInt32BE(at) : head.readUInt32LE(at));
  let [one, other] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    one = (one + word(at) + other) >>> 0;
    other = (other + word(at + 4) + one) >>> 0;
  }
  return one === head.readUInt32BE(24) && other === head.readUInt32BE(28);
}

function readHead(file: string): Buffer {
  const head = Buffer.alloc(WAL_HEADER_BYTES);
  const fd = openSync(file, "r");
  try {
    readSync(fd, head, 0, WAL_HEADER_BYTES, 0);
  } finally {
    closeSync(fd);
  }
  return head;
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
