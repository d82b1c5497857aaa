import type { Fork, SessionRepository } from "#domain/session/session-repository.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";

export interface BranchesDeps {
  readonly sessions: Pick<SessionRepository, "find" | "useBranch" | "listBranches">;
}

interface OwnSession {
  readonly userId: UserId;
  readonly sessionId: SessionId;
}

/** The branches of a conversation; another user's session does not exist. */
export function createBranches({ sessions }: BranchesDeps) {
  const isOwn = async ({ userId, sessionId }: OwnSession) =>
    (await sessions.find(sessionId))?.userId === userId;
  return {
    /** Where the branch in use forks; see `SessionRepository.listBranches`. */
    async listBranches(input: OwnSession): Promise<readonly Fork[] | undefined> {
      return (await isOwn(input)) ? sessions.listBranches(input.sessionId) : undefined;
    },

    /** Goes on with the newest branch through a turn. */
    async useBranch(
      input: OwnSession & { readonly turnId: TurnId },
    ): Promise<"used" | "not-found"> {
      const { sessionId, turnId } = input;
      return (await isOwn(input)) ? sessions.useBranch({ sessionId, turnId }) : "not-found";
    },
  };
}
