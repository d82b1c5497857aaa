import type { ShownMessage } from "./chat-protocol.ts";
import { CommandError } from "./command-error.ts";

export interface SessionSummary {
  readonly id: string;
  readonly title: string;
  readonly updatedAtMs: number;
}

export interface SessionState {
  readonly messages: readonly ShownMessage[];
  readonly seq: number;
  readonly epoch: number;
  readonly turns: readonly { readonly id: string; readonly state: string }[];
}

export type ChatApi = ReturnType<typeof createChatApi>;

const PATIENCE_MS = 10_000;

/** The few REST calls of a terminal client. Throws `CommandError` with what to do about it. */
export function createChatApi(url: string, token: string) {
  async function get<T>(path: string): Promise<T> {
    const response = await fetch(new URL(`/api/v1${path}`, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (response.ok) return (await response.json()) as T;
    throw await refusal(response, url);
  }
  return {
    listSessions: async (limit: number) =>
      (await get<{ sessions: readonly SessionSummary[] }>(`/sessions?limit=${limit}`)).sessions,
    readSession: (id: string, limit: number) =>
      get<SessionState>(`/sessions/${encodeURIComponent(id)}/messages?limit=${limit}`),
  };
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

export function unauthorized(url: string): CommandError {
  return new CommandError(
    "unauthorized",
    `Nexflow at ${url} refused the token: expected one of its own in NEXFLOW_TOKEN`,
  );
}

async function refusal(response: Response, url: string): Promise<CommandError> {
  if (response.status === 401) return unauthorized(url);
  const problem: unknown = await response.json().catch(() => undefined);
  const detail =
    typeof problem === "object" && problem !== null && "detail" in problem
      ? String(problem.detail)
      : `status ${response.status}`;
  return new CommandError("refused", `Nexflow at ${url} refused the request: ${detail}`);
}
