import { ModelList, SessionChangeBody, SessionDetail } from "../api-schemas.ts";
import { json } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import { toSessionDetail } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { refuseModel } from "./refuse-model.ts";

/** Which models there are, and which one answers in a session. */
export function createModelRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/models",
      access: { scope: "sessions:read", role: "member" },
      name: "describeModels",
      summary:
        "The models to choose from: aliases, fallbacks, prices, sizes, whether there is a key",
      answers: { 200: { summary: "All of them", schema: ModelList } },
      answer: () => json(200, deps.describeModels()),
    }),
    route({
      method: "patch",
      path: "/sessions/{sessionId}",
      access: { scope: "sessions:write", role: "member" },
      name: "changeSession",
      summary: "Has a session answered by another model, from its next turn on",
      body: { schema: SessionChangeBody, example: { model: "openai/gpt-5-mini" } },
      answers: { 200: { summary: "The session as it is now", schema: SessionDetail } },
      async answer({ principal: { user }, params: { sessionId }, body }) {
        const model = body.model ?? undefined;
        const result = await deps.chooseModel({ userId: user.id, sessionId, model });
        switch (result.kind) {
          case "chosen":
            return json(200, toSessionDetail(result.session));
          case "not-found":
            return problem(reply.notFound("session"));
          case "unknown-model":
          case "not-allowed":
            return refuseModel(result.kind);
          default:
            return result satisfies never;
        }
      },
    }),
  ];
}
