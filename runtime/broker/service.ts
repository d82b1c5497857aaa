import type { GrantedPolicy } from "../policy/effective-policy.ts";
import type { Ruling } from "../policy/grants.ts";
import type { JsonValue } from "../protocol.ts";

/** One kind of host call, served outside the sandbox. Never rejects and never throws. */
export type Service = (request: ServiceRequest) => Promise<ServiceReply>;

/** What a guest asks. `args` and `body` come from the sandbox: nothing about them is known. */
export interface ServiceRequest {
  readonly args: JsonValue;
  readonly body: Buffer;
  readonly policy: GrantedPolicy;
  readonly skill: { readonly name: string; readonly digest: string };
  readonly userId: string;
  /** Aborted when the call ends. */
  readonly signal: AbortSignal;
}

export interface ServiceReply {
  /** What decided about this very request. */
  readonly ruling: Ruling;
  readonly outcome: ServiceOutcome;
  /** What a record with values shows instead of the arguments and the outcome: no secrets. */
  readonly shown?: { readonly args: JsonValue; readonly result: JsonValue } | undefined;
}

/** `value` and `body` go to the guest; so does `message`, which must not tell of the host. */
export type ServiceOutcome =
  | { readonly kind: "ok"; readonly value: JsonValue; readonly body?: Uint8Array | undefined }
  | { readonly kind: "error"; readonly message: string };
