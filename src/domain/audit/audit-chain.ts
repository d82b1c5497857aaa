import type { JsonValue } from "../shared/json.ts";

export interface AuditEntry {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  readonly atMs: number;
  readonly action: string;
  readonly decision: "allowed" | "denied";
  readonly policyHash: string | undefined;
  readonly actor: Sealed<string>;
  readonly subject: Sealed<string>;
  readonly detail: Sealed<JsonValue>;
  readonly prevHash: string;
  readonly hash: string;
}

export type Sealed<T extends JsonValue> =
  | { readonly kind: "kept"; readonly hash: string; readonly salt: string; readonly value: T }
  | { readonly kind: "erased"; readonly hash: string };

/** The last entry of a chain. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

export type AuditVerdict =
  | {
      readonly kind: "intact";
      readonly entries: number;
      /** How many of them had something erased. */
      readonly erased: number;
      readonly head: AuditHead;
    }
  | { readonly kind: "broken"; readonly seq: number; readonly flaw: string };
