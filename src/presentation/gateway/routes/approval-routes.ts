import type {
  DecideApprovalResult,
  RevokeApprovalResult,
} from "#application/resolve-approval/resolve-approval.ts";
import {
  ApprovalDetail,
  ApprovalList,
  ApprovalsQuery,
  DenyBody,
  GrantBody,
  OwnerQuery,
} from "../api-schemas.ts";
import { toPage } from "../cursor.ts";
import { type HttpReply, json } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { badRequest, type Route, route } from "../route.ts";
import { toApproval } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { asOwner } from "./owner.ts";

const READ = { scope: "approvals:read", role: "member" } as const;
const WRITE = { scope: "approvals:write", role: "member" } as const;
const EXAMPLE_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const DECIDED = {
  answers: { 200: { summary: "The approval as it is now", schema: ApprovalDetail } },
  problems: ["approval-closed", "approval-mismatch"],
} as const;

/** Calls of tools that people are asked about, and what they have granted. */
export function createApprovalRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/approvals",
      access: READ,
      name: "listApprovals",
      summary: "Calls that you were asked about, latest first; an admin may name another user",
      query: ApprovalsQuery,
      answers: { 200: { summary: "One page of them", schema: ApprovalList } },
      answer: ({ principal, query: { limit, cursor, userId: wanted, ...filter } }) =>
        asOwner(principal, { userId: wanted, least: "admin" }, async (userId) => {
          const page = { limit: limit + 1, before: cursor?.[0] };
          const found = await deps.listApprovals({ userId, ...page, ...filter });
          const { items, ...next } = toPage(found, limit, ({ id }) => [id]);
          return json(200, { approvals: items.map(toApproval), ...next });
        }),
    }),
    route({
      method: "get",
      path: "/approvals/{approvalId}",
      access: READ,
      name: "getApproval",
      summary: "One call that you were asked about",
      query: OwnerQuery,
      answers: { 200: { summary: "It, with its card", schema: ApprovalDetail } },
      answer: ({ principal, params: { approvalId }, query }) =>
        asOwner(principal, { userId: query.userId, least: "admin" }, async (userId) => {
          const approval = await deps.findApproval({ userId, approvalId });
          if (approval === undefined) return problem(reply.notFound("approval"));
          return json(200, toApproval(approval));
        }),
    }),
    route({
      ...DECIDED,
      method: "post",
      path: "/approvals/{approvalId}/grant",
      access: WRITE,
      name: "grantApproval",
      summary: "Lets the call be made that was shown, and others as far as `scope` reaches",
      body: { schema: GrantBody, example: { inputHash: EXAMPLE_HASH, scope: { kind: "once" } } },
      async answer({ principal: { user }, params, body: { inputHash, scope } }) {
        const decision = { kind: "grant", scope } as const;
        const said = { userId: user.id, ...params, inputHash, decision };
        return toReply(await deps.decideApproval(said));
      },
    }),
    route({
      ...DECIDED,
      method: "post",
      path: "/approvals/{approvalId}/deny",
      access: WRITE,
      name: "denyApproval",
      summary: "Has the call not be made; the model is told the reason",
      body: { schema: DenyBody, example: { inputHash: EXAMPLE_HASH, reason: "Not to them" } },
      async answer({ principal: { user }, params, body: { inputHash, reason } }) {
        const decision = { kind: "deny", reason } as const;
        const said = { userId: user.id, ...params, inputHash, decision };
        return toReply(await deps.decideApproval(said));
      },
    }),
    route({
      ...DECIDED,
      problems: ["approval-closed", "conflict"],
      method: "delete",
      path: "/approvals/{approvalId}",
      access: WRITE,
      name: "revokeApproval",
      summary: "Takes back what was granted: nothing more is called on the strength of it",
      answer: async ({ principal: { user }, params }) =>
        toReply(await deps.revokeApproval({ userId: user.id, ...params })),
    }),
  ];
}

function toReply(result: DecideApprovalResult | RevokeApprovalResult): HttpReply {
  switch (result.kind) {
    case "decided":
      return json(200, toApproval(result.approval));
    case "not-found":
      return problem(reply.notFound("approval"));
    case "mismatch":
      return problem(reply.APPROVAL_MISMATCH);
    case "closed":
      return problem(reply.approvalClosed(result.state));
    case "bad-pattern":
      return badRequest("body", reply.BAD_PATTERN);
    case "pending":
      return problem(reply.APPROVAL_PENDING);
    default:
      return result satisfies never;
  }
}
