import type { HostErrorCode, HostOutcome } from "../protocol.ts";
import { MAX_MESSAGE_CHARS } from "../protocol.ts";

export const TOO_MUCH_MEMORY = "The skill used too much memory";

/** Ends a guest's call with a typed error. Thrown by host functions and checks. */
export class GuestStop extends Error {
  readonly code: HostErrorCode;
  readonly used: number | undefined;

  constructor(code: HostErrorCode, message: string, used?: number) {
    super(message);
    this.code = code;
    this.used = used;
  }
}

/** What a call came to that ended with `error`, thrown by the guest or on its behalf. */
export function toOutcome(error: unknown): HostOutcome {
  const message = String(error instanceof Error ? error.message : error);
  const bounded = message.slice(0, MAX_MESSAGE_CHARS);
  if (!(error instanceof GuestStop)) return { kind: "error", code: "failed", message: bounded };
  const stop = { kind: "error", code: error.code, message: bounded } as const;
  return error.used === undefined ? stop : { ...stop, used: error.used };
}
