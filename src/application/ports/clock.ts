/** Milliseconds since the Unix epoch. */
export type NowMs = () => number;

/** A new id, unique and ordered by time (UUID version 7). */
export type NewId = () => string;

/** Calls `work` once, `ms` from now, unless the function it gives is called before. */
export type After = (ms: number, work: () => void) => () => void;
