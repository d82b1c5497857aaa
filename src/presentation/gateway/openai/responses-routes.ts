import type { ResponseOutputItem, ResponseStatus } from "openai/resources/responses/responses";
import type { TurnWithMessages } from "#application/read-turn/read-turn.ts";
import { textOf } from "#domain/message/message.ts";
import { parseTurnId, type TurnId, type UserId } from "#domain/shared/id.ts";
import type { Transcript } from "#domain/transcript/transcript.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";
import type { HttpReply, StreamReply } from "../http-reply.ts";
import { json } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";
import type { Asked } from "./answering.ts";
import { refuse } from "./openai-error.ts";
import { BadRequest, OPENAI_BOUNDS, toModelChoice } from "./request-parts.ts";
import {
  createResponsesAnswer,
  describeResponse,
  messageItemId,
  NOTE,
  responseId,
  toMessageItem,
} from "./responses-answer.ts";
import { ResponsesBody, readResponsesRequest } from "./responses-request.ts";

const READ = { scope: "sessions:read", role: "member" } as const;
const WRITE = { scope: "sessions:write", role: "member" } as const;
const EXAMPLE = { model: "nexflow", input: "What is 2 + 2?" };

/** Responses: each is a turn, and can be gone on from by its id. */
export function createResponsesRoutes(
  deps: GatewayDeps,
  answer: (asked: Asked) => Promise<HttpReply | StreamReply>,
): readonly Route[] {
  return [
    route({
      method: "post",
      path: "/responses",
      access: WRITE,
      name: "createResponse",
      summary: "Answers a message, in the conversation of an earlier response or in one of its own",
      body: { schema: ResponsesBody, example: EXAMPLE, bounds: OPENAI_BOUNDS },
      answers: { 200: { summary: "A response, or a stream of its events" } },
      async answer({ request, principal, body }) {
        const { id: userId } = principal.user;
        const read = await tryRead(body, userId);
        if (read instanceof BadRequest) return refuse(read.refusal);
        const { transcript, previous } = read;
        const after = previous && { sessionId: previous.sessionId, turnId: previous.id };
        const asking = { userId, transcript, ...toModelChoice(body.model) };
        const isBackground = body.background === true;
        const createdAtMs = Date.now();
        return answer({
          request,
          principal,
          model: body.model,
          isStream: body.stream === true,
          isBackground,
          // By its id the response is found anyhow; by its text only where the client keeps that.
          ...(after === undefined ? { transcript } : {}),
          accept: (named) =>
            after === undefined
              ? deps.acceptConversation({ ...asking, ...named })
              : deps.continueConversation({ ...asking, after, ...named }),
          createAnswer: ({ turnId }) =>
            createResponsesAnswer({
              turnId,
              model: body.model,
              createdAtMs,
              previousTurnId: previous?.id,
              instructions: body.instructions ?? undefined,
              metadata: body.metadata ?? undefined,
              isBackground,
              isStream: body.stream === true,
            }),
        });
      },
    }),
    route({
      method: "get",
      path: "/responses/{responseId}",
      access: READ,
      name: "getResponse",
      summary: "A response as it stands",
      answers: { 200: { summary: "The response" } },
      answer: ({ principal, params }) => show(principal.user.id, params.responseId),
    }),
    route({
      method: "post",
      path: "/responses/{responseId}/cancel",
      access: WRITE,
      name: "cancelResponse",
      summary: "Stops a response that is not done",
      answers: { 200: { summary: "The response, whose turn ends as soon as it can" } },
      async answer({ principal, params: { responseId: turnId } }) {
        const { id: userId } = principal.user;
        const cancelled = await deps.cancelTurn({ userId, turnId });
        if (cancelled.kind === "not-found") return problem(reply.notFound("response"));
        return show(userId, turnId);
      },
    }),
    route({
      method: "delete",
      path: "/responses/{responseId}",
      access: WRITE,
      name: "deleteResponse",
      summary: "Deletes a response with its session, where that has no other",
      answers: { 200: { summary: "It is deleted" } },
      answer: ({ principal, params }) => remove(principal.user.id, params.responseId),
    }),
  ];

  async function tryRead(body: ResponsesBody, userId: UserId) {
    try {
      const previous = await findPrevious(body, userId);
      const transcript = await readResponsesRequest(body, (id) => findItem(userId, id));
      if (previous !== undefined) assertNew(transcript);
      return { transcript, previous };
    } catch (error) {
      if (error instanceof BadRequest) return error;
      throw error;
    }
  }

  async function findPrevious(
    { previous_response_id: raw }: ResponsesBody,
    userId: UserId,
  ): Promise<Turn | undefined> {
    if (typeof raw !== "string") return undefined;
    const turnId = tryParse(/^resp_(?<id>.*)$/u.exec(raw)?.groups?.["id"]);
    const read = turnId === undefined ? undefined : await deps.readTurn({ userId, turnId });
    if (read !== undefined) return read.turn;
    throw new BadRequest(
      "previous_response_id",
      "Cannot find the response to go on from",
      "previous_response_not_found",
    );
  }

  /** What the agent said as this item of an earlier response; nothing where it said no such thing. */
  async function findItem(userId: UserId, itemId: string): Promise<string | undefined> {
    const [, id, messageId = ""] = /^msg_([^.]*)\.(.*)$/u.exec(itemId) ?? [];
    const turnId = tryParse(id);
    if (turnId === undefined) return undefined;
    // A note of ours on approvals: no model has to read it.
    if (messageId.startsWith(NOTE)) return "";
    const read = await deps.readTurn({ userId, turnId });
    const message = read?.messages.find((each) => each.id === messageId);
    return message?.role === "assistant" ? textOf(message) : undefined;
  }

  async function show(userId: UserId, turnId: TurnId): Promise<HttpReply> {
    const read = await deps.readTurn({ userId, turnId });
    if (read === undefined) return problem(reply.notFound("response"));
    const { turn } = read;
    const [model = ""] = deps.listModels();
    const options = { turnId, model, createdAtMs: turn.createdAtMs };
    const usage = isFinal(turn.state) ? await deps.readUsage(turnId) : undefined;
    const failure = turn.state.kind === "failed" ? turn.state.failure : undefined;
    return json(
      200,
      describeResponse(options, {
        status: STATUS[turn.state.kind],
        output: toOutput(read),
        usage,
        ...(failure === undefined ? {} : { end: { kind: "failed", ...failure } }),
      }),
    );
  }

  async function remove(userId: UserId, turnId: TurnId): Promise<HttpReply> {
    const read = await deps.readTurn({ userId, turnId });
    if (read === undefined) return problem(reply.notFound("response"));
    const { sessionId } = read.turn;
    const turns = (await deps.listTurns({ userId, sessionId, limit: 3 })) ?? [];
    // What was imported never ran.
    const others = turns.filter(({ id, attempts }) => id !== turnId && attempts > 0);
    if (others.length > 0) return problem(PART_OF_MORE);
    const deleted = await deps.deleteSession({ userId, sessionId });
    if (deleted === "busy") return problem(reply.BUSY);
    if (deleted === "not-found") return problem(reply.notFound("response"));
    return json(200, { id: responseId(turnId), object: "response", deleted: true });
  }
}

const PART_OF_MORE: reply.Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot delete one response of a conversation: delete its session",
};

const STATUS: Readonly<Record<Turn["state"]["kind"], ResponseStatus>> = {
  queued: "queued",
  running: "in_progress",
  waiting: "in_progress",
  completed: "completed",
  cancelled: "cancelled",
  failed: "failed",
};

function toOutput({ turn, messages }: TurnWithMessages): readonly ResponseOutputItem[] {
  return messages.flatMap((message): ResponseOutputItem[] => {
    const text = message.role === "assistant" ? textOf(message) : "";
    if (text === "") return [];
    return [toMessageItem(messageItemId(turn.id, message.id), text, message.isComplete)];
  });
}

/** Where the conversation is here already, a request brings what is new and nothing else. */
function assertNew({ messages }: Transcript): void {
  if (messages.length === 1) return;
  throw new BadRequest(
    "input",
    "Cannot go on from a response with other answers in the input: expected the user's new messages",
  );
}

function tryParse(raw = ""): TurnId | undefined {
  try {
    return parseTurnId(raw);
  } catch {
    return undefined;
  }
}
