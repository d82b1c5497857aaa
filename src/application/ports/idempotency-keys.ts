import type { UserId } from "#domain/shared/id.ts";

/**
 * Which requests were made under which key, and how they were answered. Kept a day at least, in
 * the store: any instance knows what another one has answered.
 */
export interface IdempotencyKeys {
  /**
   * Takes the key for this request, unless it was taken. A request that died with its process holds
   * it for a minute; then the next one goes on with the same work.
   */
  begin(request: KeyedRequest): Promise<BeginKeyResult>;
  /** Keeps the answer of the request that holds the key. */
  finish(request: KeyedRequest, answer: KeyedAnswer): Promise<void>;
  /** Nothing was done under the key: the next one may. */
  release(request: KeyedRequest): Promise<void>;
}

export interface KeyedRequest {
  readonly userId: UserId;
  /** sha256 of the key, hex. */
  readonly keyHash: string;
  /** Of method, path and body: another request has another one. */
  readonly fingerprint: string;
}

/** What the request is to do stands fixed with its key: to do it again is to do nothing more. */
export interface KeyedWork {
  /** Has the form of an id, and grows with time. */
  readonly id: string;
  readonly begunAtMs: number;
}

export interface KeyedAnswer {
  readonly status: number;
  readonly body: string;
}

export type BeginKeyResult =
  | { readonly kind: "begun"; readonly work: KeyedWork }
  | { readonly kind: "in-progress" | "other-request" }
  | { readonly kind: "finished"; readonly answer: KeyedAnswer };
