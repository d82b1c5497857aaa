import { z } from "zod";
import type { JsonValue } from "../../protocol.ts";
import { parseArgs } from "../parse-args.ts";
import { type HttpHeaders, parseGuestHeaders } from "./guest-headers.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { type HttpTarget, parseTarget } from "./http-target.ts";

const httpArgs = z.strictObject({
  url: z.string(),
  method: z
    .string()
    .toUpperCase()
    .pipe(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))
    .default("GET"),
  headers: z.record(z.string(), z.string()).default({}),
  /** Names of secrets to be put into the request. */
  secrets: z.array(z.string().max(64)).max(8).default([]),
});

export type HttpMethod = z.output<typeof httpArgs>["method"];

/** One request as a guest wants it, checked for its form. */
export interface HttpAsk {
  readonly target: HttpTarget;
  readonly method: HttpMethod;
  readonly headers: HttpHeaders;
  readonly secrets: readonly string[];
  readonly body: Buffer;
}

/** What a guest asks for: `{url, method?, headers?, secrets?}` and a body. Throws `HttpRefusal`. */
export function parseHttpAsk(args: JsonValue, body: Buffer): HttpAsk {
  const parsed = parseArgs(httpArgs, args);
  if (parsed.kind === "invalid") throw new HttpRefusal(parsed.message);
  const { url, method, headers, secrets } = parsed.value;
  if (body.length > 0 && (method === "GET" || method === "HEAD")) {
    throw new HttpRefusal(`Cannot send a body with ${method}: expected none`);
  }
  return {
    target: parseTarget(url),
    method,
    headers: parseGuestHeaders(headers),
    secrets: [...new Set(secrets)],
    body,
  };
}
