import { createHash, randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** A UUID version 7 (RFC 9562): unique, and greater than those this thread made before it. */
export function newId(): string {
  return v7();
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
