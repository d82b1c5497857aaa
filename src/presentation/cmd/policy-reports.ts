export interface PolicyCheckReport {
  readonly ok: boolean;
  readonly policies: readonly PolicyListing[];
  readonly faults: readonly string[];
}

export interface PolicyListing {
  readonly name: string;
  readonly file: string;
  readonly priority: number;
  readonly mode: string;
  readonly match: {
    readonly trust: readonly string[];
    readonly skills: readonly string[];
    readonly labels?: readonly string[] | undefined;
  };
  readonly description?: string | undefined;
}

export interface PolicyExplainRequest {
  /** A skill's name or folder. */
  readonly skill: string;
  readonly tool: string | undefined;
  /** "GET https://..." or the name of a host function. */
  readonly call: string | undefined;
  readonly label: string | undefined;
  readonly policy: string | undefined;
}

export type PolicyExplainReport =
  | {
      readonly kind: "explained";
      readonly skill: { readonly name: string; readonly version: string; readonly trust: string };
      readonly rights: RightsReport;
      readonly call?: CallReport | undefined;
    }
  | { readonly kind: "unknown-skill" }
  | { readonly kind: "unknown-tool"; readonly tools: readonly string[] }
  | { readonly kind: "unknown-call" };

export interface RightsReport {
  readonly policy?:
    | {
        readonly name: string;
        readonly file: string;
        readonly mode: string;
        readonly users: string;
        readonly record: string;
      }
    | undefined;
  readonly passedOver: readonly {
    readonly name: string;
    readonly rule: string;
    readonly reason: string;
  }[];
  readonly limits: readonly (RightRow & { readonly value: number })[];
  readonly grants: readonly (RightRow & { readonly value: string; readonly verdict: string })[];
  readonly calls: readonly CallRow[];
  readonly hash: string;
}

/** What becomes of a call of a tool before it is made. */
export interface CallRow {
  readonly tool: string;
  readonly verdict: string;
  readonly rule: string;
  readonly facts: readonly string[];
  readonly reaches: readonly string[];
}

export interface RightRow {
  readonly name: string;
  readonly rule: string;
  readonly considered: readonly { readonly rule: string; readonly value: string }[];
}

export interface CallReport {
  readonly ruling: { readonly verdict: string; readonly rule: string };
  readonly limits?:
    | {
        readonly maxRequestBytes: number;
        readonly maxResponseBytes: number;
        readonly timeoutMs: number;
      }
    | undefined;
  readonly considered: readonly {
    readonly rule: string;
    readonly effect: string;
    readonly value: string;
    readonly isMatch: boolean;
  }[];
}

export interface PolicyDiffReport {
  readonly allowedNow: readonly PolicyChange[];
  readonly deniedNow: readonly PolicyChange[];
  readonly raised: readonly PolicyChange[];
  readonly lowered: readonly PolicyChange[];
  readonly otherwise: readonly PolicyChange[];
}

export interface PolicyChange {
  readonly policy: string;
  readonly what: string;
  readonly rule: string;
}
