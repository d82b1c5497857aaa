/** The times of a schedule. */
export type ScheduleWhen = CronWhen | AtWhen | EveryWhen;

/** `expression` has five fields, or six with seconds first; `timeZone` is an IANA name. */
export interface CronWhen {
  readonly kind: "cron";
  readonly expression: string;
  readonly timeZone: string;
}

export interface AtWhen {
  readonly kind: "at";
  readonly atMs: number;
}

/** At `anchorMs` plus each positive multiple of `everyMs`. */
export interface EveryWhen {
  readonly kind: "every";
  readonly everyMs: number;
  readonly anchorMs: number;
}
