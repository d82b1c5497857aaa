import type {
  Compaction,
  CompactionRepository,
  PinRepository,
  PinResult,
} from "#domain/compaction/compaction.ts";
import type { Session } from "#domain/session/session.ts";
import type { CompactionId, MessageId, SessionId, UserId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";

export interface ManageContextDeps {
  readonly findSession: (sessionId: SessionId) => Promise<Session | undefined>;
  readonly compactions: CompactionRepository;
  readonly pins: PinRepository;
  readonly nowMs: NowMs;
}

interface OwnSession {
  readonly userId: UserId;
  readonly sessionId: SessionId;
}

type OwnCompaction = OwnSession & { readonly compactionId: CompactionId };
type OwnMessage = OwnSession & { readonly messageId: MessageId };

/** What users have a say in of what models are told; another user's session does not exist. */
export type ManageContext = ReturnType<typeof createManageContext>;

export function createManageContext(deps: ManageContextDeps) {
  const { findSession, compactions, pins, nowMs } = deps;
  const isOwn = async ({ userId, sessionId }: OwnSession) =>
    (await findSession(sessionId))?.userId === userId;
  const findOwn = async (input: OwnCompaction): Promise<Compaction | undefined> => {
    if (!(await isOwn(input))) return undefined;
    const compaction = await compactions.find(input.compactionId);
    return compaction?.sessionId === input.sessionId ? compaction : undefined;
  };

  return {
    /** Newest first, undone ones too. */
    async listCompactions(input: OwnSession): Promise<readonly Compaction[] | undefined> {
      return (await isOwn(input)) ? compactions.list(input.sessionId) : undefined;
    },

    async undoCompaction(input: OwnCompaction): Promise<"undone" | "was-undone" | "not-found"> {
      if ((await findOwn(input)) === undefined) return "not-found";
      const { compactionId, userId: by } = input;
      return compactions.undo({ compactionId, by, nowMs: nowMs() });
    },

    /** In the order in which they were pinned. */
    async listPins(input: OwnSession): Promise<readonly MessageId[] | undefined> {
      return (await isOwn(input)) ? pins.list(input.sessionId) : undefined;
    },

    async pinMessage(input: OwnMessage): Promise<PinResult> {
      if (!(await isOwn(input))) return "not-found";
      const { sessionId, messageId } = input;
      return pins.pin({ sessionId, messageId, nowMs: nowMs() });
    },

    async unpinMessage(input: OwnMessage): Promise<"unpinned" | "not-found"> {
      if (!(await isOwn(input))) return "not-found";
      const { sessionId, messageId } = input;
      return pins.unpin({ sessionId, messageId });
    },
  };
}
