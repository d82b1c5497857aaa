import {
  BranchBody,
  Branches,
  EventsQuery,
  MessageList,
  MessagesQuery,
  OwnerQuery,
  SessionDetail,
  SessionList,
  SessionsQuery,
} from "../api-schemas.ts";
import { toLastPage, toPage } from "../cursor.ts";
import { toAgUiMessage } from "../event-frame.ts";
import type { EventStreams } from "../event-streams.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { badRequest, type Route, route } from "../route.ts";
import { toSessionDetail, toSessionSummary } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { asOwner } from "./owner.ts";

const READ = { scope: "sessions:read", role: "member" } as const;
const WRITE = { scope: "sessions:write", role: "member" } as const;
const RETRY_MS = 1_000;

/** Conversations, what was said in them and what happens in them. */
export function createSessionRoutes(deps: GatewayDeps, streams: EventStreams): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/sessions",
      access: READ,
      name: "listSessions",
      summary: "Your sessions, latest first; an administrator may name another user",
      query: SessionsQuery,
      answers: { 200: { summary: "One page of them", schema: SessionList } },
      answer: ({ principal, query: { limit, cursor, userId: wanted } }) =>
        asOwner(principal, { userId: wanted, least: "admin" }, async (userId) => {
          const [updatedAtMs, id] = cursor ?? [];
          const before =
            updatedAtMs === undefined || id === undefined ? undefined : { updatedAtMs, id };
          const found = await deps.listSessions({ userId, limit: limit + 1, before });
          const page = toPage(found, limit, (last) => [last.updatedAtMs, last.id]);
          const { items, ...next } = page;
          return json(200, { sessions: items.map(toSessionSummary), ...next });
        }),
    }),
    route({
      method: "get",
      path: "/sessions/{sessionId}",
      access: READ,
      name: "getSession",
      summary: "One session",
      query: OwnerQuery,
      answers: { 200: { summary: "The session", schema: SessionDetail } },
      answer: ({ principal, params: { sessionId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "admin" }, async (userId) => {
          const session = await deps.findSession({ userId, sessionId });
          if (session === undefined) return problem(reply.notFound("session"));
          return json(200, toSessionDetail(session));
        }),
    }),
    route({
      method: "delete",
      path: "/sessions/{sessionId}",
      access: WRITE,
      name: "deleteSession",
      summary: "Deletes a session and all that was said in it, unless a turn runs in it",
      answers: { 204: { summary: "It is gone" } },
      problems: ["conflict"],
      async answer({ principal: { user }, params: { sessionId } }) {
        const result = await deps.deleteSession({ userId: user.id, sessionId });
        switch (result) {
          case "deleted":
            return NO_CONTENT;
          case "not-found":
            return problem(reply.notFound("session"));
          case "busy":
            return problem(reply.BUSY);
          default:
            return result satisfies never;
        }
      },
    }),
    route({
      method: "get",
      path: "/sessions/{sessionId}/branches",
      access: READ,
      name: "listBranches",
      summary: "Where the branch in use forks: turns beside each other, in the order of the talk",
      answers: {
        200: { summary: "The forks, none where all turns follow each other", schema: Branches },
      },
      async answer({ principal: { user }, params: { sessionId } }) {
        const forks = await deps.listBranches({ userId: user.id, sessionId });
        return forks === undefined ? problem(reply.notFound("session")) : json(200, { forks });
      },
    }),
    route({
      method: "post",
      path: "/sessions/{sessionId}/branches",
      access: WRITE,
      name: "useBranch",
      summary: "Goes on with the newest branch through a turn",
      body: { schema: BranchBody, example: { turnId: "t1" } },
      answers: { 204: { summary: "It is what is shown, and what the next message goes on from" } },
      async answer({ principal: { user }, params: { sessionId }, body: { turnId } }) {
        const used = await deps.useBranch({ userId: user.id, sessionId, turnId });
        return used === "used" ? NO_CONTENT : problem(reply.notFound("turn"));
      },
    }),
    route({
      method: "get",
      path: "/sessions/{sessionId}/messages",
      access: READ,
      name: "listMessages",
      summary: "The latest messages, oldest first; `cursor` leads to older ones",
      query: MessagesQuery,
      answers: { 200: { summary: "One page of them", schema: MessageList } },
      answer: ({ principal, params: { sessionId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "admin" }, async (userId) => {
          const { limit } = query;
          const before = query.cursor?.[0];
          const read = await deps.readMessages({ userId, sessionId, limit: limit + 1, before });
          if (read === undefined) return problem(reply.notFound("session"));
          const { items, ...next } = toLastPage(read.messages, limit, (first) => [first.id]);
          const shown = new Set(items.map(({ turnId }) => turnId));
          const turns = read.turns.filter(({ id }) => shown.has(id));
          const { seq, epoch } = read;
          return json(200, { messages: items.map(toAgUiMessage), seq, epoch, turns, ...next });
        }),
    }),
    route({
      method: "get",
      path: "/sessions/{sessionId}/events",
      access: READ,
      name: "followSession",
      summary: "What the session has after an event, then what happens, as server-sent events",
      query: EventsQuery,
      headers: ["last-event-id"],
      answers: {
        200: {
          summary:
            "`event` frames as those of the WebSocket, each with the id `<epoch>:<seq>` by which to go on",
          type: "text/event-stream",
        },
      },
      async answer({ principal, request, params: { sessionId }, query }) {
        const from = request.headers["last-event-id"] || query.after || "0";
        const position = parsePosition(from);
        if (position === undefined) {
          return badRequest("header", '"Last-Event-ID" is wrong, expected "<epoch>:<seq>"');
        }
        const { id: userId } = principal.user;
        const session = await deps.findSession({ userId, sessionId });
        if (session === undefined) return problem(reply.notFound("session"));
        const opened = streams.open({ principal, userId, sessionId, ...position });
        return opened ?? problem(reply.rateLimited("streams of events", RETRY_MS));
      },
    }),
  ];
}

function parsePosition(text: string): { after: number; epoch?: number } | undefined {
  const [, epoch, after] = /^(?:(\d{1,15}):)?(\d{1,15})$/u.exec(text) ?? [];
  if (after === undefined) return undefined;
  return { after: Number(after), ...(epoch === undefined ? {} : { epoch: Number(epoch) }) };
}
