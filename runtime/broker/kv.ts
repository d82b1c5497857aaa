/** Where skills keep values, each skill apart for each user. Implementations are outside too. */
export interface Kv {
  get(space: KvSpace, key: string): Promise<Uint8Array | undefined>;
  /** Stores `value` unless that would break `quota`; keys and values count, in UTF-8 bytes. */
  set(space: KvSpace, entry: KvEntry, quota: KvQuota): Promise<KvSetResult>;
  /** Whether there was such a key. */
  delete(space: KvSpace, key: string): Promise<boolean>;
  /** The keys that begin with `prefix`, in order of their bytes, at most `limit`. */
  list(space: KvSpace, prefix: string, limit: number): Promise<readonly string[]>;
}

/** A skill keeps its values across versions: its name counts, not its digest. */
export interface KvSpace {
  readonly skill: string;
  readonly userId: string;
}

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface KvQuota {
  readonly maxBytes: number;
  readonly maxKeys: number;
}

/** What a space would have held. */
export type KvSetResult =
  | { readonly kind: "stored" }
  | { readonly kind: "full"; readonly bytes: number; readonly keys: number };
