import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Fault } from "#domain/shared/fault.ts";
import {
  type BackupManifest,
  type BackupPart,
  type BackupSource,
  damaged,
  parseBackup,
  toBackupLines,
} from "./backup-format.ts";

const GZIP_LEVEL = 3;
const MAX_LINE_CHARS = 256 * 1_048_576;

/**
 * Writes a backup and reads it again. The file appears when it is whole and on the disk, for its
 * owner alone; where it cannot be written nothing is left of it. Throws `Fault` `BACKUP_FAILED`,
 * also where there is such a file already.
 */
export async function writeBackup(file: string, source: BackupSource): Promise<BackupManifest> {
  const target = path.resolve(file);
  const partial = `${target}.${process.pid}.partial`;
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    throw new Fault("BACKUP_FAILED", `Cannot write the backup "${file}": there is such a file`);
  }
  try {
    await writeFile(partial, source);
    const manifest = await verifyBackup(partial);
    await rename(partial, target);
    await syncDirectory(path.dirname(target));
    return manifest;
  } catch (error) {
    await rm(partial, { force: true });
    throw toWriteFault(file, error);
  }
}

async function writeFile(file: string, source: BackupSource): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await pipeline(
      Readable.from(toBackupLines(source)),
      createGzip({ level: GZIP_LEVEL }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await handle.writeFile(chunk);
      },
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads all of a backup and holds it against its manifest. Throws `Fault` `BACKUP_INVALID`. */
export async function verifyBackup(file: string): Promise<BackupManifest> {
  let last: BackupPart | undefined;
  for await (const part of readBackup(file)) last = part;
  if (last?.kind !== "manifest") throw damaged("it has no manifest");
  return last.tables;
}

/** The parts of a backup; whole with the last one. Throws `Fault` `BACKUP_INVALID`. */
export async function* readBackup(file: string): AsyncGenerator<BackupPart> {
  try {
    yield* parseBackup(readLines(file));
  } catch (cause) {
    const code = codeOf(cause);
    if (code.startsWith("Z_")) throw damaged("its compressed data is broken or cut off", cause);
    if (!READ_ERRORS.has(code)) throw cause;
    const message = `Cannot read the backup "${file}": ${reasonOf(cause)}`;
    throw new Fault("BACKUP_INVALID", message, { cause });
  }
}

const READ_ERRORS: ReadonlySet<string> = new Set(["ENOENT", "EACCES", "EPERM", "EISDIR", "EIO"]);

/** The lines of each stretch that was unpacked. */
async function* readLines(file: string): AsyncGenerator<readonly string[]> {
  const packed = createReadStream(file);
  const unpacked = packed.pipe(createGunzip({ chunkSize: 262_144 }));
  packed.once("error", (error) => unpacked.destroy(error));
  unpacked.setEncoding("utf8");
  let rest = "";
  try {
    for await (const text of unpacked) {
      const lines = (rest + (text as string)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE_CHARS) throw damaged("a line has no end");
      if (lines.length > 0) yield lines;
    }
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
  if (rest !== "") yield [rest];
}

/** A new name is on the disk when its folder is. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function toWriteFault(file: string, error: unknown): Fault {
  if (error instanceof Fault && error.code !== "BACKUP_INVALID") return error;
  return new Fault("BACKUP_FAILED", `Cannot write the backup "${file}": ${reasonOf(error)}`, {
    cause: error,
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  if (code === "ENOSPC") return "the disk is full";
  if (code === "ENOENT") return "there is no such file or folder";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES" || code === "EPERM") return "this is not allowed";
  return error.message;
}

function codeOf(error: unknown): string {
  return (error instanceof Error && (error as NodeJS.ErrnoException).code) || "";
}
