import { createHash, randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** A UUID version 7 (RFC 9562): unique, and greater than those this thread made before it. */
export function newId(): string {
  return v7();
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

/**
 * sha256, hex. Enough for secrets of 256 random bits, which nobody can guess; comparing hashes in
 * an index tells nothing about them.
 */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret, "utf8").digest("hex");
}
