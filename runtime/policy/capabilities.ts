import { z } from "zod";

const reason = z.string().trim().min(1).max(300);
const ask = z.strictObject({ reason });

const httpAsk = z.strictObject({
  /** An exact host, or one leading `*.` for its subdomains. */
  host: z
    .string()
    .max(255)
    .regex(
      /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u,
      "expected a lower-case host name, or one that begins with *.",
    ),
  methods: z.array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])).min(1),
  /** Path prefixes. */
  paths: z.array(z.string().max(1_000).startsWith("/")).min(1),
  reason,
});

const secretAsk = z.strictObject({
  name: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/u, "expected upper case, as in API_TOKEN"),
  /** The one origin the secret may be sent to. */
  audience: z.url({ protocol: /^https$/u }),
  reason,
});

/**
 * What a skill asks for, each with its reason. A manifest without a capability does not get it,
 * whatever the policy grants. Implemented by this version: `clock` and `random`; a call of a skill
 * that asks for another one is `denied`.
 */
export const capabilitiesSchema = z.strictObject({
  clock: ask.optional(),
  random: ask.optional(),
  kv: ask.optional(),
  schedule: ask.optional(),
  http: z.array(httpAsk).min(1).max(50).optional(),
  secrets: z.array(secretAsk).min(1).max(50).optional(),
});

export type Capabilities = Readonly<z.output<typeof capabilitiesSchema>>;
