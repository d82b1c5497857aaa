import type { ScheduleId, SessionId, UserId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";
import type { ScheduleWhen } from "./schedule-when.ts";

/** Something to be done at certain times, as its user. */
export interface Schedule {
  readonly id: ScheduleId;
  readonly userId: UserId;
  readonly name: string;
  readonly when: ScheduleWhen;
  readonly missed: MissedRule;
  readonly action: ScheduleAction;
  readonly state: ScheduleState;
  /** The time of the latest firing, not the moment at which it was carried out. */
  readonly lastFiredAtMs: number | undefined;
  readonly createdAtMs: number;
}

/**
 * What becomes of times at which nothing could fire (no server ran, say): they are left out, they
 * become one firing, or each is made up for. See `planFirings`.
 */
export type MissedRule = "skip" | "once" | "all";

export type ScheduleAction =
  /** A turn with this message, in a session of the user or, without one, of the schedule's own. */
  | {
      readonly kind: "message";
      readonly text: string;
      readonly sessionId?: SessionId | undefined;
    }
  | {
      readonly kind: "tool-call";
      readonly skill: string;
      readonly tool: string;
      readonly input: JsonValue;
    };

export type ScheduleState =
  | { readonly kind: "active"; readonly nextAtMs: number }
  | { readonly kind: "paused"; readonly pausedAtMs: number }
  /** Nothing comes any more. */
  | { readonly kind: "ended"; readonly endedAtMs: number };
