import { textOf } from "#domain/message/message.ts";
import type { TurnId, UserId } from "#domain/shared/id.ts";
import type { TurnReader } from "#domain/turn/turn-reader.ts";
import type { AcceptMessage } from "../ports/accept-message.ts";

export interface RegenerateTurnDeps<Result> {
  readonly turns: Pick<TurnReader, "find" | "findParent" | "listMessages">;
  /** Takes the message in, as any other of the user's. */
  readonly acceptMessage: AcceptMessage<Result>;
}

export interface RegenerateTurnInput {
  readonly userId: UserId;
  readonly turnId: TurnId;
  readonly clientMessageId: string;
  /** What the message says instead; left out: the same again. */
  readonly text?: string | undefined;
  /** The model to answer this time. */
  readonly model?: string | undefined;
}

/**
 * Has a turn's message answered anew, or another message in its place: by a new turn that goes on
 * from where the old one did. The old one stays, with all that came after it, as another branch.
 */
export function createRegenerateTurn<Result>(deps: RegenerateTurnDeps<Result>) {
  const { turns, acceptMessage } = deps;
  return async function regenerateTurn(
    input: RegenerateTurnInput,
  ): Promise<Result | { readonly kind: "not-found" }> {
    const { userId, turnId, clientMessageId, model } = input;
    const turn = await turns.find(turnId);
    if (turn?.userId !== userId) return { kind: "not-found" };
    const [messages, parentTurnId] = await Promise.all([
      turns.listMessages(turn),
      turns.findParent(turn),
    ]);
    const asked = messages.find(({ id }) => id === turn.userMessageId);
    if (asked === undefined) return { kind: "not-found" };
    const images = asked.parts.filter((part) => part.kind === "image");
    const text = input.text ?? textOf(asked);
    const { sessionId } = turn;
    return acceptMessage({ userId, clientMessageId, sessionId, text, images, parentTurnId, model });
  };
}
