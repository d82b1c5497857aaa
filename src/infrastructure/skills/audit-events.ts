import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { CallRecord, HostCallRecord, RuntimeNotice } from "../../../runtime/index.ts";

/* What the audit log has of the sandbox: what a policy denied, and changes of the policies. */

/** A call of a skill that was refused. */
export function deniedCall(record: CallRecord): AuditEvent {
  const { skill, tool, userId, policyHash, callId, rule = null } = record;
  return {
    atMs: Date.now(),
    actor: userId,
    action: "skill-call.denied",
    subject: `skill:${skill.name}`,
    decision: "denied",
    policyHash,
    detail: { tool, version: skill.version, rule, callId },
  };
}

/** What a skill asked its host for and did not get. The skill did so, not its user. */
export function deniedHostCall(skill: string, record: HostCallRecord): AuditEvent {
  const { name, rule, policyHash, callId } = record;
  return {
    atMs: Date.now(),
    actor: "system",
    action: "host-call.denied",
    subject: `skill:${skill}`,
    decision: "denied",
    policyHash,
    detail: { name, rule, callId },
  };
}

/** Each agent thread takes new policies in by itself, and says so. */
export function noticeEvent(notice: RuntimeNotice): AuditEvent | undefined {
  const facts = { atMs: Date.now(), actor: "system" };
  switch (notice.kind) {
    case "policies-loaded": {
      const detail = { policies: notice.policies };
      return {
        ...facts,
        action: "policies.loaded",
        subject: "policies",
        decision: "allowed",
        detail,
      };
    }
    case "policies-rejected": {
      const detail = { message: notice.message };
      return {
        ...facts,
        action: "policies.loaded",
        subject: "policies",
        decision: "denied",
        detail,
      };
    }
    case "skill-quarantined": {
      const { skill, kills, untilMs } = notice;
      const about = { action: "skill.quarantined", subject: `skill:${skill}` };
      return { ...facts, ...about, decision: "allowed", detail: { kills, untilMs } };
    }
    case "process-killed":
    case "process-died":
    case "process-not-started":
      return undefined;
    default:
      return notice satisfies never;
  }
}
