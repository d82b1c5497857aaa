import type { HttpResponse } from "uWebSockets.js";
import type { ProblemCode } from "./problem-types.ts";

export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly closesConnection?: boolean;
  /** Why the request was refused, where it was. */
  readonly code?: ProblemCode;
  /** The same in a sentence. */
  readonly message?: string;
}

/**
 * An answer without an end: `stream` takes the open response, whose head is written already. Where
 * nobody is there to take it, `dropped` is called instead.
 */
export interface StreamReply {
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  stream(response: HttpResponse): { closed(): void };
  dropped(): void;
}

/** JSON that no cache keeps. */
export function json(
  status: number,
  value: unknown,
  more: Readonly<Record<string, string>> = {},
): HttpReply {
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-store", ...more };
  return { status, headers, body: JSON.stringify(value) };
}

export const NO_CONTENT: HttpReply = { status: 204 };
