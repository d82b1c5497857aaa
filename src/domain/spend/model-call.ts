import type { Failure } from "../shared/fault.ts";
import type { ModelCallId, SessionId, TurnId, UserId } from "../shared/id.ts";
import type { TokenUsage } from "./token-usage.ts";

/** One attempt to have a model answer: a step of a turn has one, more where attempts fail. */
export interface ModelCall {
  readonly id: ModelCallId;
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  /** Which step of its turn, from 1. */
  readonly step: number;
  /** `<provider>/<model>` */
  readonly model: string;
  /** What it took; while it is reserved, what it may take at most. */
  readonly usage: TokenUsage;
  /** Its price in billionths of a US dollar; 0 where the model has no price. */
  readonly costNanoUsd: number;
  readonly startedAtMs: number;
  readonly state: ModelCallState;
}

export type ModelCallState =
  /** It is under way, or its end was lost with its process: then it counts as reserved. */
  | { readonly kind: "reserved" }
  | {
      readonly kind: "answered" | "failed" | "cancelled";
      readonly firstTokenAtMs?: number;
      readonly endedAtMs: number;
      readonly failure?: Failure;
    };

/** What these calls took together, those that failed among them; nothing where there are none. */
export function sumUsage(calls: readonly ModelCall[]): TokenUsage | undefined {
  if (calls.length === 0) return undefined;
  const sum = (field: Exclude<keyof TokenUsage, "isEstimated">) =>
    calls.reduce((total, { usage }) => total + (usage[field] ?? 0), 0);
  return {
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cachedInputTokens: sum("cachedInputTokens"),
    cacheWriteTokens: sum("cacheWriteTokens"),
    reasoningTokens: sum("reasoningTokens"),
  };
}
