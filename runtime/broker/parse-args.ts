import type { z } from "zod";
import type { JsonValue } from "../protocol.ts";

export type ParsedArgs<T> =
  | { readonly kind: "parsed"; readonly value: T }
  | { readonly kind: "invalid"; readonly message: string };

const MAX_MESSAGE_CHARS = 500;

/** The arguments of a host call, or what to tell the guest about them. */
export function parseArgs<T>(schema: z.ZodType<T>, args: JsonValue): ParsedArgs<T> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return { kind: "parsed", value: parsed.data };
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "the arguments"}: ${message}`,
  );
  return {
    kind: "invalid",
    message: `Cannot read the arguments: ${faults.join("; ")}`.slice(0, MAX_MESSAGE_CHARS),
  };
}
