/** Milliseconds since the Unix epoch. */
export type NowMs = () => number;

/** A new id, unique and ordered by time (UUID version 7). */
export type NewId = () => string;
