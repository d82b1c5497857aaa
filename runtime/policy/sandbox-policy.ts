import { parseDocument } from "yaml";
import { z } from "zod";
import { limitsSchema } from "./limits.ts";

const skillPattern = z
  .string()
  .regex(/^(?:\*|[a-z0-9][a-z0-9-]{0,63})$/u, 'expected a skill\'s name, or "*" for every skill');

/** One file of `sandbox-policies/`. */
export const policySchema = z.strictObject({
  apiVersion: z.literal("nexflow.dev/sandbox/v1"),
  kind: z.literal("SandboxPolicy"),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/u, "expected kebab-case"),
    /** Of the policies that match a skill the one with the highest number decides, alone. */
    priority: z.int().min(0).max(1_000),
  }),
  match: z.strictObject({
    trust: z.array(z.enum(["first-party", "verified", "community"])).min(1),
    skills: z.array(skillPattern).min(1),
  }),
  /** `audit` and `learn` are planned. */
  mode: z.literal("enforce", 'expected "enforce": "audit" and "learn" are not supported yet'),
  ceiling: limitsSchema.required(),
  grants: z.strictObject({
    log: z.boolean().default(false),
    clock: z.boolean().default(false),
    random: z.boolean().default(false),
  }),
});

export type SandboxPolicy = Readonly<z.output<typeof policySchema>> & {
  /** The file's name, for people. */
  readonly file: string;
};

/** A policy that cannot be used: the message names the file, the place and what was expected. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/** The policy in `text`, the content of `file`. Throws `PolicyError`. */
export function parsePolicy(text: string, file: string): SandboxPolicy {
  const document = parseDocument(text, { prettyErrors: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    throw new PolicyError(`Cannot read policy "${file}": ${fault.message.split("\n")[0]}`);
  }
  const parsed = policySchema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return { ...parsed.data, file };
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "the file"}: ${message}`,
  );
  throw new PolicyError(`Cannot use policy "${file}": ${faults.join("; ")}`);
}

/** The JSON Schema of a policy file, for editors. */
export function toPolicyJsonSchema(): object {
  return { title: "Nexflow sandbox policy", ...z.toJSONSchema(policySchema, { io: "input" }) };
}
