import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

/** What Prometheus reads; it is at `/metrics` too, where Prometheus looks for it. */
export function createMetricsRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/metrics",
      access: { scope: "metrics:read", role: "operator" },
      name: "getMetrics",
      summary: "How much was done and how fast, for Prometheus",
      answers: { 200: { summary: "Prometheus' text format", type: "text/plain" } },
      answer: async () => ({
        status: 200,
        headers: {
          "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
          "Cache-Control": "no-store",
        },
        body: await deps.renderMetrics(),
      }),
    }),
  ];
}
