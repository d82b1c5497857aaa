import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { toolNameOf } from "#domain/skill/tool-name.ts";
import type { ToolRequest } from "../ports/tool-source.ts";

export interface DeniedCall {
  readonly request: Pick<ToolRequest, "skill" | "tool" | "userId">;
  /** The line that decided. */
  readonly rule: string;
  readonly policyHash?: string | undefined;
  /** What the policy says of it. */
  readonly reason: string;
  /** Names the call where it is on record otherwise. */
  readonly ids: { readonly [name: string]: JsonValue };
  readonly atMs: number;
}

/** What the audit log has of a call that a policy denied before it was made: nothing of its input. */
export function deniedCallEvent(denied: DeniedCall): AuditEvent {
  const { request, rule, policyHash, reason, ids, atMs } = denied;
  const { skill, tool, userId } = request;
  return {
    atMs,
    actor: userId,
    action: "skill-call.denied",
    subject: `tool:${toolNameOf(skill, tool)}`,
    decision: "denied",
    ...(policyHash !== undefined && { policyHash }),
    detail: { rule, reason, ...ids },
  };
}
