import type { z } from "zod";
import { type Compaction, MAX_PINNED_CHARS, MAX_PINS } from "#domain/compaction/compaction.ts";
import { CompactionDetail, CompactionList, PinList } from "../api-schemas.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

const READ = { scope: "sessions:read", role: "member" } as const;
const WRITE = { scope: "sessions:write", role: "member" } as const;

/** What models are told of a conversation: summaries of its older part, and what is pinned. */
export function createContextRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/sessions/{sessionId}/compactions",
      access: READ,
      name: "listCompactions",
      summary: "Summaries that models got in place of older messages, latest first",
      answers: { 200: { summary: "All of them, undone ones too", schema: CompactionList } },
      async answer({ principal: { user }, params: { sessionId } }) {
        const found = await deps.listCompactions({ userId: user.id, sessionId });
        if (found === undefined) return problem(reply.notFound("session"));
        return json(200, { compactions: found.map(toCompaction) });
      },
    }),
    route({
      method: "post",
      path: "/sessions/{sessionId}/compactions",
      access: WRITE,
      name: "compactSession",
      summary: "Puts what came before the last turn into an extract, without a model",
      answers: { 201: { summary: "It", schema: CompactionDetail } },
      problems: ["conflict"],
      async answer({ principal: { user }, params: { sessionId } }) {
        const result = await deps.compactSession({ userId: user.id, sessionId });
        switch (result.kind) {
          case "compacted":
            return json(201, toCompaction(result.compaction));
          case "nothing":
            return problem(reply.NOTHING_TO_COMPACT);
          case "not-found":
            return problem(reply.notFound("session"));
          default:
            return result satisfies never;
        }
      },
    }),
    route({
      method: "delete",
      path: "/sessions/{sessionId}/compactions/{compactionId}",
      access: WRITE,
      name: "undoCompaction",
      summary: "Has models get the messages themselves again",
      answers: { 204: { summary: "It has no effect any more" } },
      async answer({ principal: { user }, params }) {
        const result = await deps.undoCompaction({ userId: user.id, ...params });
        return result === "not-found" ? problem(reply.notFound("compaction")) : NO_CONTENT;
      },
    }),
    route({
      method: "get",
      path: "/sessions/{sessionId}/pins",
      access: READ,
      name: "listPins",
      summary: "Messages that models get word for word, whatever is summarised",
      answers: { 200: { summary: "Their ids, in the order of pinning", schema: PinList } },
      async answer({ principal: { user }, params: { sessionId } }) {
        const messageIds = await deps.listPins({ userId: user.id, sessionId });
        return messageIds === undefined
          ? problem(reply.notFound("session"))
          : json(200, { messageIds });
      },
    }),
    route({
      method: "put",
      path: "/sessions/{sessionId}/pins/{messageId}",
      access: WRITE,
      name: "pinMessage",
      summary: `Pins a message: at most ${MAX_PINS} of a session, of ${MAX_PINNED_CHARS} characters in all`,
      answers: { 204: { summary: "It is pinned" } },
      problems: ["conflict"],
      async answer({ principal: { user }, params }) {
        const result = await deps.pinMessage({ userId: user.id, ...params });
        switch (result) {
          case "pinned":
            return NO_CONTENT;
          case "not-found":
            return problem(reply.notFound("message"));
          case "not-said":
          case "too-many":
          case "too-large":
            return problem(reply.cannotPin(result));
          default:
            return result satisfies never;
        }
      },
    }),
    route({
      method: "delete",
      path: "/sessions/{sessionId}/pins/{messageId}",
      access: WRITE,
      name: "unpinMessage",
      summary: "Takes a pin off",
      answers: { 204: { summary: "It is not pinned" } },
      async answer({ principal: { user }, params }) {
        const result = await deps.unpinMessage({ userId: user.id, ...params });
        return result === "unpinned" ? NO_CONTENT : problem(reply.notFound("pin"));
      },
    }),
  ];
}

function toCompaction({ undone, ...compaction }: Compaction): z.output<typeof CompactionDetail> {
  return {
    ...compaction,
    ...(undone === undefined ? {} : { undoneBy: undone.by, undoneAtMs: undone.atMs }),
  };
}
