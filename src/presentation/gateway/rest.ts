import type { EventStreams } from "./event-streams.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Route } from "./route.ts";
import { createAboutRoutes } from "./routes/about-routes.ts";
import { createAccountRoutes } from "./routes/account-routes.ts";
import { createAuditRoutes } from "./routes/audit-routes.ts";
import { createMessageRoutes } from "./routes/message-routes.ts";
import { createScheduleRoutes } from "./routes/schedule-routes.ts";
import { createSessionRoutes } from "./routes/session-routes.ts";
import { createTurnRoutes } from "./routes/turn-routes.ts";
import { createUserRoutes } from "./routes/user-routes.ts";
import type { GatewayDeps } from "./use-cases.ts";

export interface RestOptions {
  readonly deps: GatewayDeps;
  readonly limits: RateLimits;
  readonly streams: EventStreams;
}

/** All routes below `/api/v1`; docs/protocol.md is their reference. */
export function createRoutes({ deps, limits, streams }: RestOptions): readonly Route[] {
  const routes = [
    ...createAccountRoutes(deps, limits),
    ...createSessionRoutes(deps, streams),
    ...createMessageRoutes(deps, limits),
    ...createTurnRoutes(deps),
    ...createScheduleRoutes(deps, limits),
    ...createUserRoutes(deps),
    ...createAuditRoutes(deps),
  ];
  return [...routes, ...createAboutRoutes(routes, deps.about.version)];
}
