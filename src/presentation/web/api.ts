import type { Branch } from "./conversation.ts";
import type { AgMessage, ApprovalCard, Taint, TurnSummary } from "./protocol.ts";

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
  /** What was chosen to answer it; absent: the default model. */
  readonly model?: string;
}

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  /** Where the next page begins, if there is one. */
  readonly nextCursor?: string;
}

/** What of `GET /models` the page needs. */
export interface ModelChoice {
  readonly default: { readonly name: string };
  readonly aliases: readonly { readonly name: string; readonly model: string }[];
  readonly models: readonly { readonly name: string; readonly isUsable: boolean }[];
}

/** Something that models are told of the user in all conversations. */
export interface Note {
  readonly id: string;
  readonly text: string;
  readonly by: "user" | "agent";
  /** Where strangers' text came from that had been read by then. */
  readonly untrusted?: string;
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
  /** What those of them that wait are asking for. */
  readonly approvals: readonly { readonly turnId: string; readonly card: ApprovalCard }[];
  readonly taint: Taint | undefined;
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

const OPEN: ReadonlySet<string> = new Set(["queued", "running", "waiting"]);

export type Api = ReturnType<typeof createApi>;

/** The REST requests of the page. Each rejects with `ApiError`. */
export function createApi(send: typeof fetch, baseUrl = "/api/v1") {
  async function request(method: string, path: string, body?: unknown): Promise<unknown> {
    const init: RequestInit = { method, credentials: "same-origin", redirect: "error" };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
      init.body = JSON.stringify(body);
    }
    const response = await send(baseUrl + path, init).catch((error: unknown) => {
      throw new ApiError("unreachable", "Cannot reach the server", { cause: error });
    });
    if (!response.ok) throw await toApiError(response);
    return response.status === 204 ? undefined : response.json();
  }

  async function listPending(sessionId: string): Promise<OpenTurns["approvals"]> {
    const path = `/approvals?state=pending&sessionId=${sessionId}&limit=100`;
    const { approvals } = (await request("GET", path)) as Pick<OpenTurns, "approvals">;
    return approvals.toReversed();
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
    listModels: async () => (await request("GET", "/models")) as ModelChoice,
    /** `null`: the default model again. */
    chooseModel: async (sessionId: string, model: string | null) =>
      void (await request("PATCH", `/sessions/${encodeURIComponent(sessionId)}`, { model })),
    listNotes: async () => ((await request("GET", "/memory")) as { notes: readonly Note[] }).notes,
    deleteNote: async (noteId: string) =>
      void (await request("DELETE", `/memory/${encodeURIComponent(noteId)}`)),
    /** The ids of messages that models get word for word, whatever is summarised. */
    listPins: async (sessionId: string) => {
      const path = `/sessions/${encodeURIComponent(sessionId)}/pins`;
      return ((await request("GET", path)) as { messageIds: readonly string[] }).messageIds;
    },
    setPinned: async (sessionId: string, messageId: string, isPinned: boolean) => {
      const pins = `/sessions/${encodeURIComponent(sessionId)}/pins`;
      await request(isPinned ? "PUT" : "DELETE", `${pins}/${encodeURIComponent(messageId)}`);
    },
    /** Answers the message of a turn anew, or `text` in its place. */
    regenerate: async (turnId: string, text?: string) =>
      void (await request("POST", `/turns/${encodeURIComponent(turnId)}/regenerate`, { text })),
    /** Has the session show and go on with the branch through a turn. */
    useBranch: async (sessionId: string, turnId: string) =>
      void (await request("POST", `/sessions/${encodeURIComponent(sessionId)}/branches`, {
        turnId,
      })),
    /** Where the shown branch forks, and the turns of the others; nothing where there is one. */
    readBranch: async (sessionId: string): Promise<Branch | undefined> => {
      const at = `/sessions/${encodeURIComponent(sessionId)}`;
      const { forks } = (await request("GET", `${at}/branches`)) as Pick<Branch, "forks">;
      if (forks.length === 0) return undefined;
      const [shown, all] = await Promise.all([
        request("GET", `${at}/messages?limit=200`),
        request("GET", `${at}/turns?limit=200`),
      ]);
      const { turns } = all as { turns: readonly { id: string }[] };
      return { forks, hidden: hiddenOf(shown as ShownPage, turns) };
    },
    listOpenTurns: async (sessionId: string) => {
      const id = encodeURIComponent(sessionId);
      const [page, session] = await Promise.all([
        request("GET", `/sessions/${id}/messages?limit=50`),
        request("GET", `/sessions/${id}`),
      ]);
      const { messages, turns } = page as Pick<OpenTurns, "messages" | "turns">;
      const { taint } = session as { readonly taint?: Taint };
      const open = turns.filter(({ state }) => OPEN.has(state));
      const isWaiting = open.some(({ state }) => state === "waiting");
      const approvals = isWaiting ? await listPending(id) : [];
      return { messages, turns: open, approvals, taint };
    },
  };
}

interface ShownPage {
  readonly messages: readonly { readonly turnId: string }[];
  /** There are older ones. */
  readonly nextCursor?: string;
}

/** Turns that are not on the branch that is shown; of those before its page nothing is known. */
function hiddenOf(
  { messages, nextCursor }: ShownPage,
  turns: readonly { readonly id: string }[],
): ReadonlySet<string> {
  const shown = new Set(messages.map(({ turnId }) => turnId));
  const [oldest = ""] = nextCursor === undefined ? [] : shown;
  return new Set(turns.flatMap(({ id }) => (shown.has(id) || id < oldest ? [] : [id])));
}

async function toApiError(response: Response): Promise<ApiError> {
  const problem: unknown = await response.json().catch(() => undefined);
  const { code, detail } = (problem ?? {}) as { code?: string; detail?: string };
  return new ApiError(
    code ?? (response.status === 401 ? "unauthorized" : "internal"),
    detail ?? `The server answered ${response.status}`,
  );
}
