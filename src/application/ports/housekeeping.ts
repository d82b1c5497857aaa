/** Deletes what has had its time, a little at once: no call holds a transaction for long. */
export interface Housekeeping {
  /**
   * Deletes old events of sessions: all of those that have rested, and of the others what came
   * before their latest `keepEvents`. Goes through the sessions in the order of their ids.
   */
  trimEvents(input: TrimEvents): Promise<TrimEventsResult>;
  /** Deletes ended firings and their tasks, at most `limit`; gives how many. */
  deleteOldFirings(input: DeleteOldFirings): Promise<number>;
  /**
   * Deletes what users spent on days long ago. What their sessions and turns cost stays with these.
   * Goes through the users in the order of their ids.
   */
  deleteOldSpend(input: DeleteOldSpend): Promise<DeleteOldSpendResult>;
}

export interface TrimEvents {
  /** Sessions in which nothing happened since then have rested. */
  readonly restedSinceMs: number;
  readonly keepEvents: number;
  /** Where the last call stopped. */
  readonly after: string;
}

export interface TrimEventsResult {
  /** How many entries of the log were deleted. */
  readonly deleted: number;
  /** Where to go on; `undefined` where there are no more sessions. */
  readonly next: string | undefined;
}

export interface DeleteOldSpend {
  /** As `dayOf` gives it. */
  readonly beforeDay: string;
  /** Where the last call stopped. */
  readonly after: string;
}

export interface DeleteOldSpendResult {
  readonly deleted: number;
  /** Where to go on; `undefined` where there are no more users. */
  readonly next: string | undefined;
}

export interface DeleteOldFirings {
  readonly beforeMs: number;
  readonly limit: number;
}
