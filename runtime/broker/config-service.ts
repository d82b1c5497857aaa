import { z } from "zod";
import { parseArgs } from "./parse-args.ts";
import type { Service } from "./service.ts";

const configArgs = z.strictObject({ name: z.string().min(1).max(256) });

/** What the operator tells the skill: `{name}` is answered with `{value}`, null where there is none. */
export const serveConfig: Service = async ({ args, policy }) => {
  const ruling = policy.grants.config;
  const parsed = parseArgs(configArgs, args);
  if (parsed.kind === "invalid") {
    return { ruling, outcome: { kind: "error", message: parsed.message } };
  }
  const { name } = parsed.value;
  const { values } = ruling;
  const value = Object.hasOwn(values, name) ? (values[name] ?? null) : null;
  return { ruling, outcome: { kind: "ok", value: { value } } };
};
