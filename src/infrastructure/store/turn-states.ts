import { sql } from "kysely";

/** Literals, so that SQLite sees that the indexes of unfinished turns will do. */
export const QUEUED = sql.lit("queued");
export const RUNNING = sql.lit("running");
export const WAITING = sql.lit("waiting");

/** Of turns that have not ended. */
export const OPEN_STATES = [QUEUED, RUNNING, WAITING];
