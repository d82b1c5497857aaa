import type { ImagePart, Message } from "#domain/message/message.ts";
import { titleFrom } from "#domain/session/session.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  type SessionId,
  type UserId,
} from "#domain/shared/id.ts";
import {
  canonicalTranscript,
  joinSpoken,
  type SpokenMessage,
  type Transcript,
} from "#domain/transcript/transcript.ts";
import type {
  TranscriptPlace,
  TranscriptRepository,
} from "#domain/transcript/transcript-repository.ts";
import type { ImportTurn } from "#domain/turn/turn-log.ts";
import type { AcceptMessage, AcceptMessageResult } from "../ports/accept-message.ts";
import type { NewId, NowMs } from "../ports/clock.ts";

export interface AcceptConversationInput {
  readonly userId: UserId;
  readonly clientMessageId: string;
  /** The client chose the id above, and may send the same again. */
  readonly isNamed: boolean;
  /** Ends with the message to be answered. */
  readonly transcript: Transcript;
  /** The model that is to answer; the session's own where it is left out. */
  readonly model?: string | undefined;
}

export interface ContinueInput extends AcceptConversationInput {
  /** The transcript has only what is new. */
  readonly after: TranscriptPlace;
}

export interface AcceptConversationDeps {
  readonly acceptMessage: AcceptMessage;
  readonly importTurn: (input: ImportTurn) => Promise<unknown>;
  readonly hasSession: (sessionId: SessionId) => Promise<boolean>;
  readonly transcripts: TranscriptRepository;
  /** sha256 in hex. */
  readonly hash: (text: string) => string;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

const BROUGHT = "a conversation that a client brought";
/** Nobody knows what an agent had read before it said what a client says that it said. */
const TAINT_BROUGHT: SessionTaint = { untrusted: BROUGHT, private: BROUGHT };

/**
 * Takes in the last message of a conversation that a program keeps itself and sends as a whole.
 * Where the rest of it is what was said in a session, the message goes on there, on a branch of its
 * own where the session has gone on meanwhile. Else a new session is made of the rest: what the
 * program says of itself is the user's first message in it, since it is no more trusted than that.
 * With anything else before the last message, the new session counts as one that has read what
 * strangers wrote and holds private data: the session that it was copied from may have.
 */
export function createAcceptConversation(deps: AcceptConversationDeps) {
  const { acceptMessage, importTurn, hasSession, transcripts, hash, newId, nowMs } = deps;
  const keyOf = (userId: UserId, transcript: Transcript) => ({
    userId,
    hash: hash(canonicalTranscript(transcript)),
  });

  return {
    async acceptConversation(input: AcceptConversationInput): Promise<AcceptMessageResult> {
      const { userId, clientMessageId, transcript, model } = input;
      const earlier = { ...transcript, messages: transcript.messages.slice(0, -1) };
      const message = { userId, clientMessageId, model, ...lastOf(transcript) };
      const hasBefore = earlier.messages.length > 0;
      const place = hasBefore ? await transcripts.find(keyOf(userId, earlier)) : undefined;
      if (place !== undefined) {
        const accepted = await acceptMessage({ ...message, ...toParent(place) });
        // The session may be gone since.
        if (accepted.kind !== "not-found") return accepted;
      }
      const sessionId = newSessionIdOf(input);
      if (!hasBefore && transcript.instructions === "") {
        return acceptMessage({ ...message, newSessionId: sessionId });
      }
      if (!(input.isNamed && (await hasSession(sessionId)))) {
        await importTurn(toImport(userId, sessionId, { ...earlier, title: message.text }));
      }
      return acceptMessage({ ...message, sessionId });
    },

    /** Goes on from a turn that the program names. */
    continueConversation(input: ContinueInput): Promise<AcceptMessageResult> {
      const { userId, clientMessageId, transcript, after, model } = input;
      const { text, ...last } = lastOf(transcript);
      const { instructions } = transcript;
      const whole = instructions === "" ? text : `${instructions}\n\n${text}`;
      const message = { userId, clientMessageId, model, ...last, text: whole };
      return acceptMessage({ ...message, ...toParent(after) });
    },

    /** Has the conversation known again by what its client has of it now. */
    rememberAnswer(
      { userId, transcript }: Pick<AcceptConversationInput, "transcript" | "userId">,
      place: TranscriptPlace & { readonly answer: string },
    ): Promise<void> {
      const { answer: text, sessionId, turnId } = place;
      const answer: SpokenMessage = { role: "assistant", text, images: [] };
      const messages = joinSpoken([...transcript.messages, answer]);
      return transcripts.remember(keyOf(userId, { ...transcript, messages }), {
        sessionId,
        turnId,
      });
    },
  };

  /** The same for the same request again, where its client names it. */
  function newSessionIdOf({ userId, clientMessageId, isNamed }: AcceptConversationInput) {
    if (!isNamed) return parseSessionId(newId());
    return parseSessionId(`v1-${hash(`${userId} ${clientMessageId}`).slice(0, 40)}`);
  }

  function toImport(
    userId: UserId,
    sessionId: SessionId,
    { instructions, messages, title }: Transcript & { readonly title: string },
  ): ImportTurn {
    const turnId = parseTurnId(newId());
    const createdAtMs = nowMs();
    const told: SpokenMessage = { role: "user", text: instructions, images: [] };
    const all = instructions === "" ? messages : [told, ...messages];
    const toMessage = ({ role, text, images }: SpokenMessage): Message => ({
      id: parseMessageId(newId()),
      sessionId,
      turnId,
      role,
      parts: [...(text === "" ? [] : [{ kind: "text" as const, text }]), ...images],
      isComplete: true,
      createdAtMs,
    });
    const first = messages.find(({ role }) => role === "user")?.text ?? title;
    const about = { sessionId, userId, turnId, title: titleFrom(first), nowMs: createdAtMs };
    const taint = messages.length === 0 ? {} : { taint: TAINT_BROUGHT };
    return { ...about, ...taint, messages: all.map(toMessage) };
  }
}

function toParent({ sessionId, turnId }: TranscriptPlace) {
  return { sessionId, parentTurnId: turnId };
}

function lastOf({ messages }: Transcript): {
  readonly text: string;
  readonly images?: readonly ImagePart[];
} {
  const { text = "", images = [] }: Partial<SpokenMessage> = messages.at(-1) ?? {};
  return images.length === 0 ? { text } : { text, images };
}
