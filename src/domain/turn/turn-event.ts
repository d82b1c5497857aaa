import type { ApprovalCard } from "../approval/approval-card.ts";
import type { ToolOutcome } from "../message/message.ts";
import type { SessionTaint } from "../session/session-taint.ts";
import type { Failure } from "../shared/fault.ts";
import type { ApprovalId, MessageId, ToolCallId } from "../shared/id.ts";
import type { Spend } from "../spend/budget.ts";

/**
 * What a turn lets people see while it runs, in order. Channels show projections of these;
 * the event log keeps them, text deltas of one message merged (see `mergeText`).
 */
export type TurnEvent =
  | {
      readonly kind: "turn-started";
      readonly userMessageId: MessageId;
      readonly text: string;
      readonly attempt: number;
    }
  | { readonly kind: "text-started"; readonly messageId: MessageId }
  | { readonly kind: "text-delta"; readonly messageId: MessageId; readonly delta: string }
  | { readonly kind: "text-ended"; readonly messageId: MessageId }
  /** What is shown of a model's thoughts before it speaks as message `messageId`. */
  | { readonly kind: "reasoning-started"; readonly messageId: MessageId }
  | { readonly kind: "reasoning-delta"; readonly messageId: MessageId; readonly delta: string }
  | { readonly kind: "reasoning-ended"; readonly messageId: MessageId }
  /**
   * An attempt of a model failed; another one begins, with a message of its own. `messageId` is
   * the text that stays as it is, where there was any.
   */
  | {
      readonly kind: "model-failed";
      readonly model: string;
      readonly failure: Failure;
      readonly messageId?: MessageId;
      readonly next: { readonly model: string; readonly waitMs: number };
    }
  /** A message that came while the turn ran is part of it from here on. */
  | { readonly kind: "message-joined"; readonly messageId: MessageId; readonly text: string }
  | {
      readonly kind: "tool-call-started";
      readonly toolCallId: ToolCallId;
      readonly messageId: MessageId;
      readonly name: string;
    }
  | {
      readonly kind: "tool-call-input";
      readonly toolCallId: ToolCallId;
      readonly inputJson: string;
    }
  | { readonly kind: "tool-call-ended"; readonly toolCallId: ToolCallId }
  | {
      readonly kind: "tool-call-returned";
      readonly toolCallId: ToolCallId;
      readonly messageId: MessageId;
      readonly outcome: ToolOutcome;
    }
  /** The session has seen something, or holds something, that it had not before. */
  | { readonly kind: "session-tainted"; readonly taint: SessionTaint }
  /** Earlier messages were put into a summary for the model. The originals stay. */
  | {
      readonly kind: "context-compacted";
      readonly messages: number;
      readonly tokensBefore: number;
      readonly tokensAfter: number;
    }
  /** The turn waits for people: it goes on when all of these are decided. */
  | { readonly kind: "turn-paused"; readonly approvals: readonly ApprovalCard[] }
  | {
      readonly kind: "turn-resumed";
      readonly decisions: readonly {
        readonly approvalId: ApprovalId;
        readonly decision: "granted" | "denied" | "expired";
      }[];
    }
  /** What the turn took in all, just before its end. */
  | { readonly kind: "turn-spent"; readonly model: string; readonly spend: Spend }
  | { readonly kind: "turn-completed" }
  | { readonly kind: "turn-cancelled" }
  | { readonly kind: "turn-failed"; readonly failure: Failure };

/** An event with its place in the session's log. `seq` is gapless from 1 in each session. */
export interface NumberedEvent {
  readonly seq: number;
  readonly event: TurnEvent;
}
