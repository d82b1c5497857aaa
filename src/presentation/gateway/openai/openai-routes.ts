import type { EventStreams } from "../event-streams.ts";
import type { RateLimits } from "../rate-limits.ts";
import type { Route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { createAnswering } from "./answering.ts";
import { createChatRoutes } from "./chat-routes.ts";
import { createModelRoutes } from "./model-routes.ts";
import { createResponsesRoutes } from "./responses-routes.ts";

export interface OpenAiRoutesOptions {
  readonly deps: GatewayDeps;
  readonly limits: RateLimits;
  readonly streams: EventStreams;
}

/** All routes below `/v1`, for clients that know OpenAI's API; docs/openai.md says what is ours. */
export function createOpenAiRoutes(options: OpenAiRoutesOptions): readonly Route[] {
  const { deps } = options;
  const answer = createAnswering(options);
  return [
    ...createModelRoutes(deps),
    ...createChatRoutes(deps, answer),
    ...createResponsesRoutes(deps, answer),
  ];
}
