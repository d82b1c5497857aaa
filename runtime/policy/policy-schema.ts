import { isIP } from "node:net";
import { z } from "zod";
import { ceilingSchema } from "./ceiling.ts";
import { httpsOrigin, httpTarget, secretName } from "./http-schema.ts";
import { findRangeFault } from "./version-range.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/u, "expected kebab-case");
const skillPattern = z
  .string()
  .regex(/^(?:\*|[a-z0-9][a-z0-9-]{0,63})$/u, 'expected a skill\'s name, or "*" for every skill');
const versionRange = z.string().superRefine((range, context) => {
  const fault = findRangeFault(range);
  if (fault !== undefined) context.addIssue(fault);
});

/** Each of them must match; absent means any. */
const match = z.strictObject({
  trust: z.array(z.enum(["first-party", "verified", "community"])).min(1),
  skills: z.array(skillPattern).min(1),
  publishers: z.array(z.string().min(1).max(200)).min(1).optional(),
  versions: versionRange.optional(),
  digests: z
    .array(z.string().regex(/^[0-9a-f]{64}$/u, "expected a sha256 in hex"))
    .min(1)
    .optional(),
  labels: z.array(name).min(1).optional(),
});

const httpAllow = z.strictObject({
  ...httpTarget,
  maxRequestKiB: z.int().min(0).max(4_096).optional(),
  maxResponseKiB: z.int().min(1).max(16_384).optional(),
  timeoutMs: z.int().min(1).max(60_000).optional(),
});

const httpDeny = z.strictObject({
  ...httpTarget,
  methods: httpTarget.methods.optional(),
  paths: httpTarget.paths.optional(),
});

const addresses = z
  .string()
  .refine(isAddressBlock, 'expected an address or a block, as in "10.1.2.3" or "10.1.0.0/16"');

const http = z.strictObject({
  allow: z.array(httpAllow).max(200).default([]),
  deny: z.array(httpDeny).max(200).default([]),
  privateAddresses: z.array(addresses).max(100).default([]),
  maxRedirects: z.int().min(0).max(10).default(3),
});

/** Headers that say where a request goes and where it ends are not for secrets. */
const FRAMING = "host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect";

const secret = z
  .strictObject({
    name: secretName,
    audience: httpsOrigin,
    header: z
      .string()
      .regex(
        new RegExp(`^(?!(?:${FRAMING})$)[a-z0-9-]{1,64}$`, "u"),
        'expected a lower-case header, as in "authorization"',
      )
      .optional(),
    prefix: z
      .string()
      .regex(/^[\u0020-\u007e]{0,64}$/u, "expected printable ASCII")
      .optional(),
    query: z
      .string()
      .regex(/^[\w.-]{1,64}$/u, "expected a parameter's name")
      .optional(),
  })
  .refine(
    ({ header, query }) => (header === undefined) !== (query === undefined),
    'expected either "header" or "query"',
  )
  .refine(({ prefix, query }) => prefix === undefined || query === undefined, {
    path: ["prefix"],
    error: 'expected none beside "query"',
  });

const grants = z.strictObject({
  log: z.boolean().optional(),
  clock: z.boolean().optional(),
  random: z.boolean().optional(),
  schedule: z.boolean().optional(),
  config: z
    .record(
      z.string().regex(/^[A-Za-z][\w.-]{0,63}$/u, "expected a name of letters and digits"),
      z.string().max(4_096),
    )
    .optional(),
  kv: z
    .strictObject({
      maxKiB: z.int().min(1).max(1_048_576),
      maxKeys: z.int().min(1).max(1_000_000),
    })
    .optional(),
  http: http.optional(),
  secrets: z.array(secret).max(100).optional(),
});

const decision = z.enum(["allow", "ask", "deny"]);
const toolName = z.string().min(1).max(64);

/** What a tool's call needs before it is made, by the effects that the manifest declares. */
const approvals = z.strictObject({
  read: decision.default("allow"),
  write: decision.default("allow"),
  external: decision.default("ask"),
  /** By skill and tool, in place of what its effects say. */
  tools: z.record(toolName, z.record(toolName, decision)).default({}),
  expiresMinutes: z.number().min(0.05).max(43_200).default(60),
  /** What results bring into a session; where absent it follows from what the skill may reach. */
  results: z
    .strictObject({ untrusted: z.boolean().optional(), private: z.boolean().optional() })
    .default({}),
});

/** One file of `sandbox-policies/`. A grant that is absent is denied. */
export const policySchema = z
  .strictObject({
    apiVersion: z.literal("nexflow.dev/sandbox/v1"),
    kind: z.literal("SandboxPolicy"),
    metadata: z.strictObject({
      name,
      /** Of the policies that match a call the one with the highest number decides, alone. */
      priority: z.int().min(0).max(1_000),
      description: z.string().max(1_000).optional(),
    }),
    match,
    mode: z.enum(["enforce", "audit", "learn"]),
    ceiling: ceilingSchema,
    grants,
    approvals: approvals.default({
      read: "allow",
      write: "allow",
      external: "ask",
      tools: {},
      expiresMinutes: 60,
      results: {},
    }),
    isolation: z
      .strictObject({ users: z.enum(["separate", "shared"]).default("separate") })
      .default({ users: "separate" }),
    record: z.enum(["hashes", "full"]).default("hashes"),
  })
  .superRefine(({ mode, match: { trust } }, context) => {
    const index = trust.indexOf("community");
    if (mode !== "learn" || index === -1) return;
    const message =
      'expected no "community" where mode is "learn", which lets unasked things happen';
    context.addIssue({ code: "custom", path: ["match", "trust", index], message });
  });

/** The JSON Schema of a policy file, for editors. */
export function toPolicyJsonSchema(): object {
  return { title: "Nexflow sandbox policy", ...z.toJSONSchema(policySchema, { io: "input" }) };
}

function isAddressBlock(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/u.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}
