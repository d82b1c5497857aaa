import type { ApprovalId, ToolCallId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";
import type { ToolEffect } from "../skill/skill.ts";

/** What a person is shown who is asked for an approval. Nothing in it is a model's own words. */
export interface ApprovalCard {
  readonly approvalId: ApprovalId;
  readonly toolCallId: ToolCallId;
  /** `<skill>.<tool>` */
  readonly tool: string;
  /** Exactly what the tool would get. */
  readonly input: JsonValue;
  readonly inputHash: string;
  readonly effects: readonly ToolEffect[];
  /** What the call may reach under its policy, a line each, as "https://api.example.com (GET)". */
  readonly reaches: readonly string[];
  /** The line of the policy, or the rule, that asks. */
  readonly rule: string;
  /** Why it asks, in a sentence. */
  readonly reason: string;
  readonly expiresAtMs: number;
}
