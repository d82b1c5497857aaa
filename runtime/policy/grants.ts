/**
 * What was decided about one thing a skill wants, and the line that decided, as in
 * "default.yaml:21: grants.clock". `audited` and `learned` let it happen where the policy's mode
 * says so: the policy, or policy or manifest, would have denied it.
 */
export interface Ruling {
  readonly verdict: Verdict;
  readonly rule: string;
}

export type Verdict = "allowed" | "audited" | "learned" | "denied";

/** `audit` lets happen what the policy denies, `learn` also what the manifest does not ask for. */
export type Mode = "enforce" | "audit" | "learn";

/** The rights of one skill. What depends on the request is decided request by request. */
export interface Grants {
  readonly log: Ruling;
  readonly clock: Ruling;
  readonly random: Ruling;
  readonly schedule: Ruling;
  readonly config: ConfigGrant;
  readonly kv: KvGrant;
  readonly http: HttpGrant;
  readonly secrets: readonly SecretGrant[];
}

/** What the operator tells the skill: plain values, no secrets. */
export interface ConfigGrant extends Ruling {
  readonly values: Readonly<Record<string, string>>;
}

/** A store of each skill's own for each user. */
export interface KvGrant extends Ruling {
  readonly maxBytes: number;
  readonly maxKeys: number;
}

/**
 * A request is allowed where one of `allow` and one of `asked` match it and none of `deny`. The
 * grant's own ruling tells whether any request can be.
 */
export interface HttpGrant extends Ruling {
  /** The policy's. */
  readonly allow: readonly HttpRule[];
  readonly deny: readonly HttpRule[];
  /** The manifest's. */
  readonly asked: readonly HttpRule[];
  /** Private addresses that may be connected to all the same, as in "10.1.0.0/16". */
  readonly privateAddresses: readonly string[];
  readonly maxRedirects: number;
}

/** Absent means any. */
export interface HttpRule {
  /** The line it stands in, as in "default.yaml:30: grants.http.allow.0". */
  readonly rule: string;
  /** An exact lower-case name, or one leading `*.` for its subdomains. */
  readonly host: string;
  readonly schemes?: readonly string[] | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly methods?: readonly string[] | undefined;
  /** Prefixes that end at a segment: "/v1" allows "/v1" and "/v1/x", not "/v1x". */
  readonly paths?: readonly string[] | undefined;
  readonly maxRequestBytes?: number | undefined;
  /** Of the body as the guest gets it: decompressed. */
  readonly maxResponseBytes?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A secret that may be put into requests to one origin. One that is denied is not listed at all. */
export interface SecretGrant extends Ruling {
  readonly name: string;
  /** An origin, as in "https://api.github.com". */
  readonly audience: string;
  readonly inject: SecretPlace;
}

export type SecretPlace =
  | { readonly kind: "header"; readonly header: string; readonly prefix: string }
  | { readonly kind: "query"; readonly parameter: string };

/** Whether what was decided happens. */
export function isGranted({ verdict }: Ruling): boolean {
  return verdict !== "denied";
}

/** What `mode` makes of the policy's and the manifest's own decisions, each with its line. */
export function toRuling(mode: Mode, policy: Ask, manifest: Ask): Ruling {
  if (policy.isAllowed && manifest.isAllowed) return { verdict: "allowed", rule: policy.rule };
  const { rule } = manifest.isAllowed ? policy : manifest;
  if (mode === "learn") return { verdict: "learned", rule };
  if (mode === "audit" && manifest.isAllowed) return { verdict: "audited", rule };
  return { verdict: "denied", rule };
}

/** What one of the two says about a grant. */
export interface Ask {
  readonly isAllowed: boolean;
  readonly rule: string;
}
