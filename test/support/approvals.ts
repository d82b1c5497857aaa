import { createHash } from "node:crypto";
import type { Approval } from "#domain/approval/approval.ts";
import { canonicalJson } from "#domain/shared/canonical-json.ts";
import {
  parseApprovalId,
  parseSessionId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";

/** A question to Alice whether a mail may be sent; it may be answered until 50 ms. */
export function approvalOf(id: string, about: Partial<Approval> = {}): Approval {
  const approvalId = parseApprovalId(id);
  const toolCallId = about.toolCallId ?? parseToolCallId("c1");
  const input = about.input ?? { city: "Rome", days: 2 };
  const { expiresAtMs = 50 } = about;
  return {
    id: approvalId,
    userId: parseUserId("alice"),
    sessionId: parseSessionId("s1"),
    turnId: parseTurnId("t1"),
    toolCallId,
    skill: "mail",
    skillDigest: "d",
    tool: "send",
    inputHash: "h",
    input,
    card: {
      approvalId,
      toolCallId,
      tool: "mail.send",
      input,
      inputHash: "h",
      effects: ["external"],
      reaches: ["https://mail.example.org (POST)"],
      rule: "approvals[0]",
      reason: "It sends something to others",
      expiresAtMs,
    },
    requestedAtMs: 1,
    expiresAtMs,
    state: { kind: "pending" },
    revision: 0,
    ...about,
  };
}

/** Ada's question, with the hash that its arguments have; it may be answered for a long time. */
export function askedOf(id: string, about: Partial<Approval> = {}): Approval {
  const input = about.input ?? { to: "ada@example.org", text: "hi" };
  const inputHash = hashOf(input);
  const userId = parseUserId("u1");
  const open = { expiresAtMs: 9_000_000_000_000 };
  const approval = approvalOf(id, { userId, ...open, ...about, input, inputHash });
  return { ...approval, card: { ...approval.card, inputHash } };
}

/** What a card shows and who decides sends back. */
export function hashOf(input: JsonValue): string {
  return createHash("sha256").update(canonicalJson(input)).digest("hex");
}
