import { createOpenAI } from "@ai-sdk/openai";
import OpenAI from "openai";
import { parseMessageId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { TOKEN } from "./fakes/gateway-use-cases.ts";
import type { TestGateway } from "./gateway-client.ts";

/** The official client of OpenAI's API, as Ada unless told otherwise. */
export function openAiOf({ url }: Pick<TestGateway, "url">, apiKey = TOKEN): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
}

/** The provider of the `ai` package. */
export function aiOf({ url }: Pick<TestGateway, "url">, apiKey = TOKEN) {
  return createOpenAI({ apiKey, baseURL: `${url}/v1` });
}

/** What a turn shows that says these words as one message, without its end. */
export function say(id: string, ...words: readonly string[]): readonly TurnEvent[] {
  const messageId = parseMessageId(id);
  return [
    { kind: "text-started", messageId },
    ...words.map((delta): TurnEvent => ({ kind: "text-delta", messageId, delta })),
    { kind: "text-ended", messageId },
  ];
}

export const COMPLETED: TurnEvent = { kind: "turn-completed" };

/** Has the agent of the gateway show the same in every turn. */
export function answerWith({ useCases }: TestGateway, ...events: readonly TurnEvent[]): void {
  useCases.onAccepted = ({ sessionId, turnId }) => useCases.emitAll(sessionId, turnId, events);
}
