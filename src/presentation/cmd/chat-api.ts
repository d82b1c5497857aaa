import type { ShownMessage } from "./chat-protocol.ts";
import { createRestClient, RestRefusal } from "./rest-client.ts";
import type { SkillListing } from "./skill.ts";
import type { ShownTimeline } from "./timeline-text.ts";
import type { TimelineRequest } from "./turn.ts";

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

/** The few REST calls of a terminal client. Throws `CommandError` with what to do about it. */
export function createChatApi(url: string, token: string) {
  const { ask } = createRestClient(url, token);
  const sessionOf = (id: string) => `/sessions/${encodeURIComponent(id)}`;
  return {
    listSessions: async (limit: number) =>
      (await ask<{ sessions: readonly SessionSummary[] }>("GET", `/sessions?limit=${limit}`))
        .sessions,
    readSession: (id: string, limit: number) =>
      ask<SessionState>("GET", `${sessionOf(id)}/messages?limit=${limit}`),
    listSkills: async () =>
      (await ask<{ skills: readonly SkillListing[] }>("GET", "/skills")).skills,
    /** `null`: the default one again. */
    chooseModel: async (id: string, model: string | null) => {
      await ask("PATCH", sessionOf(id), { model });
    },
  };
}

/** Nothing where there is no such turn. Throws `CommandError`. */
export async function fetchTimeline(
  url: string,
  token: string,
  { turnId, userId }: TimelineRequest,
): Promise<ShownTimeline | undefined> {
  const query = userId === undefined ? "" : `?userId=${encodeURIComponent(userId)}`;
  const path = `/turns/${encodeURIComponent(turnId)}/timeline${query}`;
  try {
    return await createRestClient(url, token).ask<ShownTimeline>("GET", path);
  } catch (error) {
    if (error instanceof RestRefusal && error.status === 404) return undefined;
    throw error;
  }
}
