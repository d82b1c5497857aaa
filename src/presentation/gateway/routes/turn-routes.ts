import {
  OwnerQuery,
  TaskDetail,
  TaskList,
  TasksQuery,
  TimelineAnswer,
  TurnDetail,
  TurnList,
  TurnsQuery,
} from "../api-schemas.ts";
import { toPage } from "../cursor.ts";
import { json } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import { toTask, toTurn } from "../to-answers.ts";
import { toTimeline } from "../to-timeline.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { asOwner } from "./owner.ts";

const READ = { scope: "sessions:read", role: "member" } as const;

/** What the agent did about messages: turns, and the calls of skills in them. */
export function createTurnRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/sessions/{sessionId}/turns",
      access: READ,
      name: "listTurns",
      summary: "The turns of a session, latest first",
      query: TurnsQuery,
      answers: { 200: { summary: "One page of them", schema: TurnList } },
      answer: ({ principal, params: { sessionId }, query: { limit, cursor, userId: wanted } }) =>
        asOwner(principal, { userId: wanted, least: "admin" }, async (userId) => {
          const page = { limit: limit + 1, before: cursor?.[0] };
          const found = await deps.listTurns({ userId, sessionId, ...page });
          if (found === undefined) return problem(reply.notFound("session"));
          const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
          return json(200, { turns: items.map(toTurn), ...next });
        }),
    }),
    route({
      method: "get",
      path: "/turns/{turnId}",
      access: READ,
      name: "getTurn",
      summary: "One turn",
      query: OwnerQuery,
      answers: { 200: { summary: "The turn", schema: TurnDetail } },
      answer: ({ principal, params: { turnId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "admin" }, async (userId) => {
          const read = await deps.readTurn({ userId, turnId });
          if (read === undefined) return problem(reply.notFound("turn"));
          return json(200, toTurn(read.turn));
        }),
    }),
    route({
      method: "get",
      path: "/turns/{turnId}/timeline",
      access: READ,
      name: "getTimeline",
      summary: "What was done in a turn: model calls, tool calls, approvals, tokens, cost, times",
      query: OwnerQuery,
      answers: { 200: { summary: "The timeline", schema: TimelineAnswer } },
      answer: ({ principal, params: { turnId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "admin" }, async (userId) => {
          const timeline = await deps.readTimeline({ userId, turnId });
          if (timeline === undefined) return problem(reply.notFound("turn"));
          return json(200, toTimeline(timeline));
        }),
    }),
    route({
      method: "post",
      path: "/turns/{turnId}/cancel",
      access: { scope: "sessions:write", role: "member" },
      name: "cancelTurn",
      summary: "Stops a turn; one that has ended stays as it is",
      answers: { 202: { summary: "It ends, or has ended already" } },
      async answer({ principal: { user }, params: { turnId } }) {
        const { kind } = await deps.cancelTurn({ userId: user.id, turnId });
        return kind === "not-found" ? problem(reply.notFound("turn")) : { status: 202 };
      },
    }),
    route({
      method: "get",
      path: "/tasks",
      access: READ,
      name: "listTasks",
      summary: "Your calls of skills, newest first; an operator may name another user",
      query: TasksQuery,
      answers: { 200: { summary: "One page of them", schema: TaskList } },
      answer: ({ principal, query: { limit, cursor, userId: wanted, ...filter } }) =>
        asOwner(principal, { userId: wanted, least: "operator" }, async (userId) => {
          const before = cursor?.[0];
          const found = await deps.listTasks({ userId, limit: limit + 1, before, ...filter });
          const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
          return json(200, { tasks: items.map(toTask), ...next });
        }),
    }),
    route({
      method: "get",
      path: "/tasks/{taskId}",
      access: READ,
      name: "getTask",
      summary: "One call of a skill",
      query: OwnerQuery,
      answers: { 200: { summary: "The task", schema: TaskDetail } },
      answer: ({ principal, params: { taskId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "operator" }, async (userId) => {
          const task = await deps.findTask({ userId, taskId });
          return task === undefined ? problem(reply.notFound("task")) : json(200, toTask(task));
        }),
    }),
    route({
      method: "post",
      path: "/tasks/{taskId}/cancel",
      access: { scope: "sessions:write", role: "member" },
      name: "cancelTask",
      summary: "Stops a call of a skill, wherever it runs; its turn goes on",
      answers: { 202: { summary: "It ends, or has ended already" } },
      async answer({ principal: { user }, params: { taskId } }) {
        const { kind } = await deps.cancelTask({ userId: user.id, taskId });
        return kind === "not-found" ? problem(reply.notFound("task")) : { status: 202 };
      },
    }),
  ];
}
