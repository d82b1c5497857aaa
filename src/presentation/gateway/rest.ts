import type { EventStreams } from "./event-streams.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Route } from "./route.ts";
import { createAboutRoutes } from "./routes/about-routes.ts";
import { createAccountRoutes } from "./routes/account-routes.ts";
import { createApprovalRoutes } from "./routes/approval-routes.ts";
import { createAuditRoutes } from "./routes/audit-routes.ts";
import { createBrakeRoutes } from "./routes/brake-routes.ts";
import { createContextRoutes } from "./routes/context-routes.ts";
import { createMemoryRoutes } from "./routes/memory-routes.ts";
import { createMessageRoutes } from "./routes/message-routes.ts";
import { createMetricsRoutes } from "./routes/metrics-routes.ts";
import { createModelRoutes } from "./routes/model-routes.ts";
import { createScheduleRoutes } from "./routes/schedule-routes.ts";
import { createSessionRoutes } from "./routes/session-routes.ts";
import { createTurnRoutes } from "./routes/turn-routes.ts";
import { createUserRoutes } from "./routes/user-routes.ts";
import type { GatewayDeps } from "./use-cases.ts";

export const API_BASE = "/api/v1";

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
    ...createModelRoutes(deps),
    ...createMessageRoutes(deps, limits),
    ...createTurnRoutes(deps),
    ...createContextRoutes(deps),
    ...createMemoryRoutes(deps),
    ...createBrakeRoutes(deps),
    ...createApprovalRoutes(deps),
    ...createScheduleRoutes(deps, limits),
    ...createUserRoutes(deps),
    ...createAuditRoutes(deps),
    ...createMetricsRoutes(deps),
  ];
  return [...routes, ...createAboutRoutes(routes, deps.about().version)];
}
