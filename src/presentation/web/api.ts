import type { AgMessage, TurnSummary } from "./protocol.ts";

export interface Me {
  readonly userId: string;
  readonly name: string;
  readonly role: string;
  /** `<provider>/<model>` */
  readonly model: string;
  readonly version: string;
}

export interface SessionSummary {
  readonly id: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  /** Where the next page begins, if there is one. */
  readonly nextCursor?: string;
}

export interface SkillSummary {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly tools: readonly ToolSummary[];
}

export interface ToolSummary {
  readonly name: string;
  readonly description: string;
  /** What a person may write to have the tool called. */
  readonly examples?: readonly string[];
}

export interface OpenTurns {
  readonly messages: readonly AgMessage[];
  readonly turns: readonly TurnSummary[];
}

/** A request the server did not honour. Code `unreachable`: nobody answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type Api = ReturnType<typeof createApi>;

/** The REST requests of the page. Each rejects with `ApiError`. */
export function createApi(send: typeof fetch, baseUrl = "/api/v1") {
  async function request(method: string, path: string, body?: unknown): Promise<unknown> {
    const init: RequestInit = { method, credentials: "same-origin", redirect: "error" };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const response = await send(baseUrl + path, init).catch((error: unknown) => {
      throw new ApiError("unreachable", "Cannot reach the server", { cause: error });
    });
    if (!response.ok) throw await toApiError(response);
    return response.status === 204 ? undefined : response.json();
  }

  return {
    login: async (token: string) => void (await request("POST", "/login", { token })),
    logout: async () => void (await request("POST", "/logout")),
    getMe: async () => (await request("GET", "/me")) as Me,
    listSkills: async () =>
      ((await request("GET", "/skills")) as { skills: readonly SkillSummary[] }).skills,
    listSessions: async (limit: number, cursor?: string) => {
      const from = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      return (await request("GET", `/sessions?limit=${limit}${from}`)) as SessionPage;
    },
    deleteSession: async (sessionId: string) =>
      void (await request("DELETE", `/sessions/${encodeURIComponent(sessionId)}`)),
    listOpenTurns: async (sessionId: string) => {
      const path = `/sessions/${encodeURIComponent(sessionId)}/messages?limit=50`;
      const { messages, turns } = (await request("GET", path)) as OpenTurns;
      const isOpen = ({ state }: TurnSummary) => state === "queued" || state === "running";
      return { messages, turns: turns.filter(isOpen) };
    },
  };
}

async function toApiError(response: Response): Promise<ApiError> {
  const problem: unknown = await response.json().catch(() => undefined);
  const { code, detail } = (problem ?? {}) as { code?: string; detail?: string };
  return new ApiError(
    code ?? (response.status === 401 ? "unauthorized" : "internal"),
    detail ?? `The server answered ${response.status}`,
  );
}
