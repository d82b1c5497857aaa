import type { Model } from "openai/resources/models";
import { json } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { isModelName, listModelNames } from "./request-parts.ts";

/** What may be asked for as `model`. */
export function createModelRoutes(deps: GatewayDeps): readonly Route[] {
  const startedAtMs = Date.now();
  const toModel = (id: string): Model => ({
    id,
    object: "model",
    created: Math.floor(startedAtMs / 1_000),
    owned_by: "nexflow",
  });
  const find = (name: string) => {
    if (!isModelName(name, deps)) return problem(reply.notFound("model"));
    return json(200, toModel(name));
  };
  return [
    route({
      method: "get",
      path: "/models",
      access: "signed-in",
      name: "listOpenAiModels",
      summary: "The models that can answer",
      answers: { 200: { summary: "All of them, the default one first" } },
      answer: () => json(200, { object: "list", data: listModelNames(deps).map(toModel) }),
    }),
    route({
      method: "get",
      path: "/models/{modelName}",
      access: "signed-in",
      name: "getOpenAiModel",
      summary: "One of them",
      answers: { 200: { summary: "The model" } },
      answer: ({ params: { modelName } }) => find(modelName),
    }),
    // Clients that leave the slash in a name as it is.
    route({
      method: "get",
      path: "/models/{provider}/{modelName}",
      access: "signed-in",
      name: "getOpenAiModelOf",
      summary: "One of a provider",
      answers: { 200: { summary: "The model" } },
      answer: ({ params: { provider, modelName } }) => find(`${provider}/${modelName}`),
    }),
  ];
}
