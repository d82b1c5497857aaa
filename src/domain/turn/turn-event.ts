import type { ToolOutcome } from "../message/message.ts";
import type { Failure } from "../shared/fault.ts";
import type { MessageId, ToolCallId } from "../shared/id.ts";

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
  | { readonly kind: "turn-completed" }
  | { readonly kind: "turn-cancelled" }
  | { readonly kind: "turn-failed"; readonly failure: Failure };

/** An event with its place in the session's log. `seq` is gapless from 1 in each session. */
export interface NumberedEvent {
  readonly seq: number;
  readonly event: TurnEvent;
}
