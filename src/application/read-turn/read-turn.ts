import type { Message } from "#domain/message/message.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import type { TurnId, UserId } from "#domain/shared/id.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { ListTurns, TurnReader } from "#domain/turn/turn-reader.ts";

export interface TurnWithMessages {
  readonly turn: Turn;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

export interface ReadTurnDeps {
  readonly turns: TurnReader;
  readonly sessions: Pick<SessionRepository, "find">;
}

/** What users see of their turns; another user's turn does not exist for them. */
export function createReadTurn({ turns, sessions }: ReadTurnDeps) {
  return {
    async readTurn(input: {
      readonly userId: UserId;
      readonly turnId: TurnId;
    }): Promise<TurnWithMessages | undefined> {
      const turn = await turns.find(input.turnId);
      if (turn?.userId !== input.userId) return undefined;
      return { turn, messages: await turns.listMessages(turn) };
    },

    /** Nothing where the session is not this user's. */
    async listTurns({
      userId,
      ...page
    }: ListTurns & { readonly userId: UserId }): Promise<readonly Turn[] | undefined> {
      const session = await sessions.find(page.sessionId);
      return session?.userId === userId ? turns.list(page) : undefined;
    },
  };
}
