import { AuditList, AuditQuery, AuditVerdictAnswer } from "../api-schemas.ts";
import { toPage } from "../cursor.ts";
import { json } from "../http-reply.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

const READ = { scope: "audit:read", role: "operator" } as const;

/** What was done and refused. */
export function createAuditRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/audit",
      access: READ,
      name: "listAudit",
      summary: "The audit log, newest first",
      query: AuditQuery,
      answers: { 200: { summary: "One page of it", schema: AuditList } },
      async answer({ query: { limit, cursor, ...filter } }) {
        const found = await deps.listAudit({ limit: limit + 1, before: cursor?.[0], ...filter });
        const { items, ...next } = toPage(found, limit, ({ seq }) => [seq]);
        return json(200, { entries: items, ...next });
      },
    }),
    route({
      method: "get",
      path: "/audit/verify",
      access: READ,
      name: "verifyAudit",
      summary: "Checks the chain of the audit log from its beginning",
      answers: { 200: { summary: "What came of it", schema: AuditVerdictAnswer } },
      answer: async () => json(200, await deps.verifyAudit()),
    }),
  ];
}
