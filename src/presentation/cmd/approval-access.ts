import type { JsonValue } from "#domain/shared/json.ts";
import type { ShownCard } from "./chat-protocol.ts";
import { createRestClient } from "./rest-client.ts";

export interface ShownApproval {
  readonly id: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly state: string;
  readonly card: ShownCard;
  readonly requestedAtMs: number;
  readonly reason?: string | undefined;
  readonly scope?: ShownScope | undefined;
}

export type ShownScope =
  | { readonly kind: "once"; readonly isUsed: boolean }
  | { readonly kind: "session" }
  | {
      readonly kind: "pattern";
      readonly fixed: { readonly [argument: string]: JsonValue };
      readonly usesLeft: number;
      readonly expiresAtMs: number;
    };

export type AskedScope =
  | { readonly kind: "once" | "session" }
  | {
      readonly kind: "pattern";
      readonly fixed: { readonly [argument: string]: JsonValue };
      readonly uses: number;
      readonly minutes: number;
    };

/** Approvals as commands reach them. All throw `CommandError` with what to do about it. */
export type ApprovalAccess = ReturnType<typeof createApprovalAccess>;

/** Over the REST API of the server at `url`, as whose `token` it is. */
export function createApprovalAccess(url: string, token: string) {
  const { ask, listAll } = createRestClient(url, token);
  const of = (id: string) => `/approvals/${encodeURIComponent(id)}`;
  return {
    /** Latest first. */
    list: (filter: { readonly state?: string; readonly sessionId?: string }) =>
      listAll<ShownApproval>("/approvals", "approvals", filter),
    find: (id: string) => ask<ShownApproval>("GET", of(id)),
    grant: (id: string, inputHash: string, scope: AskedScope) =>
      ask<ShownApproval>("POST", `${of(id)}/grant`, { inputHash, scope }),
    deny: (id: string, inputHash: string, reason: string | undefined) =>
      ask<ShownApproval>("POST", `${of(id)}/deny`, { inputHash, reason }),
    revoke: (id: string) => ask<ShownApproval>("DELETE", of(id)),
  };
}
