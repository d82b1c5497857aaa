import { randomUUID } from "node:crypto";
import { CommandError } from "./command-error.ts";

/** What a server did not honour; the message is what it says of that. */
export class RestRefusal extends CommandError {
  readonly status: number;

  constructor(status: number, { code = "refused", detail = `status ${status}` }: Problem) {
    super(code, detail);
    this.status = status;
  }
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
}

const PATIENCE_MS = 10_000;
const PAGE = 100;

/**
 * The REST API of the server at `url`, as whose `token` it is. All throw `CommandError`: a
 * `RestRefusal` where the server says no, and what to do where nobody answers, what answers is no
 * Nexflow, or the token is no good.
 */
export function createRestClient(url: string, token: string) {
  /** Gives the answer's JSON; nothing where there is none. */
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(`/api/v1${path}`, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    const text = await response.text().catch((error: unknown) => {
      throw cutOff(url, error);
    });
    if (response.ok) return (text === "" ? undefined : parse(text)) as T;
    if (response.status === 401) throw unauthorized(url);
    throw new RestRefusal(response.status, toProblem(text));
  }

  function parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw notNexflow(url, error);
    }
  }

  /** What stands in `field` of all pages. */
  async function listAll<T>(
    path: string,
    field: string,
    filter: Readonly<Record<string, string>> = {},
  ): Promise<readonly T[]> {
    const all: T[] = [];
    const query = new URLSearchParams({ ...filter, limit: String(PAGE) });
    for (;;) {
      const page = await ask<Partial<Record<string, unknown>> | null>(
        "GET",
        `${path}?${query.toString()}`,
      );
      const entries = page?.[field];
      if (!Array.isArray(entries)) throw notNexflow(url);
      all.push(...(entries as readonly T[]));
      const { nextCursor } = page as { readonly nextCursor?: string };
      if (nextCursor === undefined) return all;
      query.set("cursor", nextCursor);
    }
  }

  return { ask, listAll };
}

/** Throws `CommandError` where no Nexflow answers at `url`. */
export async function assertReachable(url: string): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(new URL("/healthz", url), { signal }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  await response.body?.cancel();
  if (!response.ok) throw unreachable(url);
}

export function unreachable(url: string, cause?: unknown): CommandError {
  const message = `Cannot reach Nexflow at ${url}: start it with "nexflow serve", or give its address with --url`;
  return new CommandError("unreachable", message, { cause });
}

function cutOff(url: string, cause: unknown): CommandError {
  const message = `The answer of Nexflow at ${url} broke off: expected all of it within ${PATIENCE_MS / 1_000} s`;
  return new CommandError("unreachable", message, { cause });
}

/** A proxy's page, say. */
function notNexflow(url: string, cause?: unknown): CommandError {
  const message = `What answers at ${url} is no Nexflow: expected its JSON; give its address with --url`;
  return new CommandError("unreachable", message, { cause });
}

export function unauthorized(url: string): CommandError {
  return new CommandError(
    "unauthorized",
    `Nexflow at ${url} refused the token: expected one of its own in NEXFLOW_TOKEN`,
  );
}

/** What is no problem document, a proxy's page say, says nothing. */
function toProblem(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem !== "object" || problem === null) return {};
    const { code, detail } = problem as { readonly code?: unknown; readonly detail?: unknown };
    return {
      ...(typeof code === "string" ? { code } : {}),
      ...(typeof detail === "string" ? { detail } : {}),
    };
  } catch {
    return {};
  }
}
