import type { Compaction } from "#domain/compaction/compaction.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import { parseCompactionId, type SessionId, type UserId } from "#domain/shared/id.ts";
import { countMessage, estimateTokens } from "#domain/spend/estimate-tokens.ts";
import { LOADED_MESSAGES } from "../ports/build-context.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { ContextStore } from "../ports/context-store.ts";
import { EXTRACT } from "./earlier-message.ts";
import { startOfTurn } from "./fit-text.ts";
import { findCompaction } from "./plan-compaction.ts";
import { extract } from "./summarise.ts";

export interface CompactSessionDeps {
  readonly sessions: Pick<SessionRepository, "readConversation">;
  readonly store: ContextStore;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export type CompactSessionResult =
  | { readonly kind: "compacted"; readonly compaction: Compaction }
  /** There are no turns before the last one that no summary stands for yet. */
  | { readonly kind: "nothing" }
  | { readonly kind: "not-found" };

const SUMMARY_TOKENS = 1_500;

/**
 * Puts all turns of a session but the last into an extract, at once and without a model: outside of
 * a turn there is no budget that one could be paid from.
 */
export function createCompactSession({ sessions, store, newId, nowMs }: CompactSessionDeps) {
  return async function compactSession(input: {
    readonly userId: UserId;
    readonly sessionId: SessionId;
  }): Promise<CompactSessionResult> {
    const { sessionId, userId } = input;
    const conversation = await sessions.readConversation({ sessionId, limit: LOADED_MESSAGES });
    if (conversation?.session.userId !== userId) return { kind: "not-found" };
    const { messages } = conversation;
    const { compactions, isBranched } = await store.read(input);
    const { compaction: before, covered } = findCompaction(messages, compactions, isBranched);
    const end = startOfTurn(messages, messages.length - 1);
    const older = messages.slice(covered, end);
    const last = older.at(-1);
    if (last === undefined) return { kind: "nothing" };
    const summary = extract({
      before: before?.summary,
      messages: older,
      maxTokens: SUMMARY_TOKENS,
    });
    const tokens = older.reduce((sum, message) => sum + countMessage(message, estimateTokens), 0);
    const compaction: Compaction = {
      id: parseCompactionId(newId()),
      sessionId,
      upToTurnId: last.turnId,
      summary,
      model: EXTRACT,
      messages: (before?.messages ?? 0) + older.length,
      tokensBefore: tokens + (before === undefined ? 0 : estimateTokens(before.summary)),
      tokensAfter: estimateTokens(summary),
      createdAtMs: nowMs(),
      undone: undefined,
    };
    await store.addCompaction(compaction);
    return { kind: "compacted", compaction };
  };
}
