import type { HttpReply, StreamReply } from "../http-reply.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";
import type { Asked } from "./answering.ts";
import { createChatAnswer } from "./chat-answer.ts";
import { ChatBody, readChatRequest } from "./chat-request.ts";
import { refuse } from "./openai-error.ts";
import { BadRequest, OPENAI_BOUNDS, toModelChoice } from "./request-parts.ts";

const EXAMPLE = { model: "nexflow", messages: [{ role: "user", content: "What is 2 + 2?" }] };

/** Chat Completions: the client keeps the conversation and sends it as a whole each time. */
export function createChatRoutes(
  deps: GatewayDeps,
  answer: (asked: Asked) => Promise<HttpReply | StreamReply>,
): readonly Route[] {
  return [
    route({
      method: "post",
      path: "/chat/completions",
      access: { scope: "sessions:write", role: "member" },
      name: "createChatCompletion",
      summary: "Answers the last message of a conversation",
      body: { schema: ChatBody, example: EXAMPLE, bounds: OPENAI_BOUNDS },
      answers: { 200: { summary: "A chat completion, or a stream of its chunks" } },
      async answer({ request, principal, body }) {
        const read = tryRead(body);
        if ("refusal" in read) return refuse(read.refusal);
        const { model, isStream, wantsUsage, transcript } = read;
        const { id: userId } = principal.user;
        const createdAtMs = Date.now();
        return answer({
          request,
          principal,
          model,
          isStream,
          transcript,
          accept: (named) =>
            deps.acceptConversation({ userId, transcript, ...toModelChoice(model), ...named }),
          createAnswer: ({ turnId }) =>
            createChatAnswer({ turnId, model, createdAtMs, isStream, wantsUsage }),
        });
      },
    }),
  ];
}

function tryRead(body: ChatBody) {
  try {
    return readChatRequest(body);
  } catch (error) {
    if (error instanceof BadRequest) return error;
    throw error;
  }
}
