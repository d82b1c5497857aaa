import type { Approval } from "#domain/approval/approval.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";

/** What is on record of it. Arguments may be private: their hash stands for them. */
export function approvalEvent(approval: Approval, actor: string, atMs: number): AuditEvent {
  const { id, sessionId, skill, tool, inputHash, state } = approval;
  return {
    atMs,
    actor,
    action: `approval.${state.kind}`,
    subject: `approval:${id}`,
    decision: state.kind === "granted" ? "allowed" : "denied",
    detail: {
      sessionId,
      tool: `${skill}.${tool}`,
      inputHash,
      ...(state.kind === "granted" ? { scope: state.scope.kind } : {}),
    },
  };
}
