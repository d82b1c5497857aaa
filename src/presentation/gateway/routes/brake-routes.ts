import type { Brake } from "#domain/brake/brake.ts";
import { BrakeBody, BrakeState } from "../api-schemas.ts";
import { json } from "../http-reply.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

const READ = { scope: "brake:read", role: "operator" } as const;
const WRITE = { scope: "brake:write", role: "operator" } as const;
const PATH = "/brake";

/** The brake for all agents of the installation. */
export function createBrakeRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: PATH,
      access: READ,
      name: "getBrake",
      summary: "Whether all agents are stopped",
      answers: { 200: { summary: "How it stands", schema: BrakeState } },
      answer: async () => json(200, toState(await deps.findBrake())),
    }),
    route({
      method: "put",
      path: PATH,
      access: WRITE,
      name: "engageBrake",
      summary: "Stops all agents on all instances; where they are stopped that stays as it is",
      body: { schema: BrakeBody, example: { reason: "Something is wrong" } },
      answers: { 200: { summary: "They are stopped", schema: BrakeState } },
      answer: async ({ principal: { user }, body }) =>
        json(200, toState(await deps.engageBrake({ by: user.id, ...body }))),
    }),
    route({
      method: "delete",
      path: PATH,
      access: WRITE,
      name: "releaseBrake",
      summary: "Lets agents work again",
      answers: { 204: { summary: "They may" } },
      async answer({ principal: { user } }) {
        await deps.releaseBrake({ by: user.id });
        return { status: 204 };
      },
    }),
  ];
}

function toState(brake: Brake | undefined) {
  if (brake === undefined) return { isOn: false };
  const { sinceMs, by, reason } = brake;
  return { isOn: true, sinceMs, by, ...(reason === undefined ? {} : { reason }) };
}
