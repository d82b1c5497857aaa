/**
 * How often what models are given beside messages has changed: a session's pins, summaries and
 * branches, and its user's notes. Both only grow.
 */
export interface ContextVersion {
  readonly session: number;
  readonly user: number;
}

/** Whether what was read at version `known` is all that there was at version `asked`. */
export function covers(known: ContextVersion, asked: ContextVersion): boolean {
  return known.session >= asked.session && known.user >= asked.user;
}
