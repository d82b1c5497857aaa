import { parseScheduleId } from "#domain/shared/id.ts";
import {
  Firing,
  FiringList,
  FiringsQuery,
  NewScheduleBody,
  OwnerQuery,
  ScheduleChangeBody,
  ScheduleDetail,
  ScheduleList,
  SchedulesQuery,
} from "../api-schemas.ts";
import { toPage } from "../cursor.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { answerOnce } from "../idempotency.ts";
import { problem } from "../problem.ts";
import type { RateLimits } from "../rate-limits.ts";
import * as reply from "../replies.ts";
import { badRequest, type Route, route } from "../route.ts";
import { toFiring, toSchedule } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { asOwner } from "./owner.ts";

const READ = { scope: "schedules:read", role: "member" } as const;
const WRITE = { scope: "schedules:write", role: "member" } as const;
/** What a schedule does is done in its user's sessions: who may not write there makes none. */
const ACT = { scope: ["schedules:write", "sessions:write"], role: "member" } as const;
const KEYED = {
  headers: ["idempotency-key"],
  problems: ["idempotency-key-missing", "idempotency-key-reused", "request-in-progress"],
} as const;
const EXAMPLE = {
  name: "Morning news",
  when: { kind: "cron", expression: "0 7 * * 1-5", timeZone: "Europe/Berlin" },
  missed: "once",
  action: { kind: "message", text: "What is new?" },
};

/** What is to be done at certain times. */
export function createScheduleRoutes(deps: GatewayDeps, limits: RateLimits): readonly Route[] {
  const { idempotency: keys } = deps;
  return [
    route({
      method: "get",
      path: "/schedules",
      access: READ,
      name: "listSchedules",
      summary: "Your schedules, oldest first; an operator may name another user",
      query: SchedulesQuery,
      answers: { 200: { summary: "One page of them", schema: ScheduleList } },
      answer: ({ principal, query: { limit, cursor, userId: wanted } }) =>
        asOwner(principal, { userId: wanted, least: "operator" }, async (userId) => {
          const page = { limit: limit + 1, after: cursor?.[0] };
          const found = await deps.listSchedules({ userId, ...page });
          const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
          return json(200, { schedules: items.map(toSchedule), ...next });
        }),
    }),
    route({
      ...KEYED,
      method: "post",
      path: "/schedules",
      access: ACT,
      name: "createSchedule",
      summary: "Makes a schedule",
      body: { schema: NewScheduleBody, example: EXAMPLE },
      answers: { 201: { summary: "It is made", schema: ScheduleDetail } },
      answer: ({ request, principal: { user }, body }) =>
        answerOnce({ keys, userId: user.id, request, body }, async (work) => {
          const scheduleId = parseScheduleId(work.id);
          const result = await deps.createSchedule({ userId: user.id, scheduleId, ...body });
          if (result.kind === "refused") return badRequest("body", result.message);
          return json(201, toSchedule(result.schedule));
        }),
    }),
    route({
      method: "get",
      path: "/schedules/{scheduleId}",
      access: READ,
      name: "getSchedule",
      summary: "One schedule",
      query: OwnerQuery,
      answers: { 200: { summary: "The schedule", schema: ScheduleDetail } },
      answer: ({ principal, params: { scheduleId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "operator" }, async (userId) => {
          const schedule = await deps.findSchedule({ userId, scheduleId });
          if (schedule === undefined) return problem(reply.notFound("schedule"));
          return json(200, toSchedule(schedule));
        }),
    }),
    route({
      method: "get",
      path: "/schedules/{scheduleId}/firings",
      access: READ,
      name: "listFirings",
      summary: "What became of the latest times of a schedule, latest first",
      query: FiringsQuery,
      answers: { 200: { summary: "At most `limit` of them", schema: FiringList } },
      answer: ({ principal, params: { scheduleId }, query: { limit, userId: wanted } }) =>
        asOwner(principal, { userId: wanted, least: "operator" }, async (userId) => {
          const firings = await deps.listFirings({ userId, scheduleId, limit });
          if (firings === undefined) return problem(reply.notFound("schedule"));
          return json(200, { firings: firings.map(toFiring) });
        }),
    }),
    route({
      method: "patch",
      path: "/schedules/{scheduleId}",
      access: WRITE,
      name: "changeSchedule",
      summary: "Holds a schedule, or lets it go on",
      body: { schema: ScheduleChangeBody, example: { state: "paused" } },
      answers: { 200: { summary: "The schedule as it is now", schema: ScheduleDetail } },
      problems: ["conflict"],
      async answer({ principal: { user }, params: { scheduleId }, body }) {
        const isPaused = body.state === "paused";
        const result = await deps.changeSchedule({ userId: user.id, scheduleId, isPaused });
        switch (result.kind) {
          case "changed":
            return json(200, toSchedule(result.schedule));
          case "not-found":
            return problem(reply.notFound("schedule"));
          case "conflict":
            return problem(reply.SCHEDULE_CONFLICT);
          default:
            return result satisfies never;
        }
      },
    }),
    route({
      method: "delete",
      path: "/schedules/{scheduleId}",
      access: WRITE,
      name: "deleteSchedule",
      summary: "Deletes a schedule and the record of its firings",
      answers: { 204: { summary: "It is gone" } },
      async answer({ principal: { user }, params: { scheduleId } }) {
        const result = await deps.deleteSchedule({ userId: user.id, scheduleId });
        return result === "deleted" ? NO_CONTENT : problem(reply.notFound("schedule"));
      },
    }),
    route({
      ...KEYED,
      method: "post",
      path: "/schedules/{scheduleId}/run",
      access: ACT,
      name: "runSchedule",
      summary: "Fires a schedule now, out of turn",
      answers: { 202: { summary: "It is on record and will be carried out once", schema: Firing } },
      answer: ({ request, principal: { user }, params: { scheduleId } }) =>
        answerOnce({ keys, userId: user.id, request, body: undefined }, async (work) => {
          const { address } = request;
          const retryAfterMs = limits.takeMessage({ userId: user.id, address });
          if (retryAfterMs !== undefined) {
            return problem(reply.rateLimited("messages", retryAfterMs));
          }
          const run = { userId: user.id, scheduleId, atMs: work.begunAtMs };
          const firing = await deps.runSchedule(run);
          if (firing === undefined) return problem(reply.notFound("schedule"));
          return json(202, { scheduleId: firing.scheduleId, dueAtMs: firing.dueAtMs });
        }),
    }),
  ];
}
