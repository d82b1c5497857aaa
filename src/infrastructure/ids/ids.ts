import { createHash, randomBytes, randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const RANDOM_BYTES = 16;
/** Drawn for many ids at once: what the system is asked for one by one takes most of an id's time. */
const random = Buffer.alloc(256 * RANDOM_BYTES);
let usedBytes = random.length;
let lastMs = 0;
let seq = 0;

/** A UUID version 7 (RFC 9562): unique, and greater than those this thread made before it. */
export function newId(): string {
  const bytes = nextRandom();
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Half of the numbers are left for those that follow in this millisecond.
    seq = bytes.readUInt32BE(0) >>> 1;
  } else {
    seq = (seq + 1) >>> 0;
    if (seq === 0) lastMs += 1;
  }
  return v7({ random: bytes, msecs: lastMs, seq });
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/u;

/** A UUID version 7 that is greater than `id`, also where the clock is behind it. */
export function newIdAfter(id: string): string {
  const [, high = "", low = ""] = UUID_V7.exec(id) ?? [];
  const thenMs = high === "" ? 0 : Number.parseInt(high + low, 16);
  return v7({ msecs: Math.max(thenMs + 1, Date.now()) });
}

/** 256 random bits, URL-safe. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Of the text's UTF-8, in hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/**
 * sha256, hex. Enough for secrets of 256 random bits, which nobody can guess; comparing hashes in
 * an index tells nothing about them.
 */
export function hashSecret(secret: string): string {
  return sha256(secret);
}

function nextRandom(): Buffer {
  if (usedBytes === random.length) {
    randomFillSync(random);
    usedBytes = 0;
  }
  usedBytes += RANDOM_BYTES;
  return random.subarray(usedBytes - RANDOM_BYTES, usedBytes);
}
