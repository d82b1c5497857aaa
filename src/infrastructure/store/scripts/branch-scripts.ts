import type { Fork, UseBranch } from "#domain/session/session-repository.ts";
import { parseTurnId, type SessionId, type TurnId } from "#domain/shared/id.ts";
import type { Turn } from "#domain/turn/turn.ts";
import { queries } from "../load-queries.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";

/*
 * Turns of a session are a tree: each goes on from the one before it in time, or from another one
 * that its row names. Ids grow with time, so a turn comes after all that it goes on from.
 */

type SessionRow = Pick<Schema["session"], "session_id" | "next_parent_turn_id">;

/** Sorts after every id. */
const LAST_ID = "~";
/** What the first turns of a conversation go on from. */
const ROOT = "";

export function* findParent(turn: Pick<Turn, "id" | "sessionId">): Script<TurnId | null> {
  const { id: turnId, sessionId } = turn;
  const row = yield* get(queries.findTurn, { turnId });
  const parent = row?.parent_turn_id ?? (yield* findTurnBefore(sessionId, turnId)) ?? ROOT;
  return parent === ROOT ? null : parseTurnId(parent);
}

/** The turn in which the branch in use ends, where there is one. */
export function* findTip(session: SessionRow): Script<string | undefined> {
  const { session_id: sessionId, next_parent_turn_id: next } = session;
  return next ?? (yield* findTurnBefore(sessionId, LAST_ID));
}

export function* useBranch({ sessionId, turnId }: UseBranch): Script<"used" | "not-found"> {
  if ((yield* get(queries.lockSession, { sessionId })) === undefined) return "not-found";
  const parents = yield* readParents(sessionId);
  if (!parents.has(turnId)) return "not-found";
  const through = new Set<string>([turnId]);
  for (const [id, parent] of parents) if (through.has(parent)) through.add(id);
  const tip = [...through].at(-1) ?? turnId;
  const isNewest = tip === [...parents.keys()].at(-1);
  yield* run(queries.setNextParent, { sessionId, turnId: isNewest ? null : tip });
  return "used";
}

export function* listBranches(sessionId: SessionId): Script<Fork[]> {
  const session = yield* get(queries.findSession, { sessionId });
  if (session === undefined || session.is_branched === 0) return [];
  const parents = yield* readParents(sessionId);
  const children = Map.groupBy(parents.keys(), (id) => parents.get(id) ?? ROOT);
  const forks: Fork[] = [];
  let at = (yield* findTip(session)) ?? ROOT;
  while (at !== ROOT) {
    const parent = parents.get(at) ?? ROOT;
    const turnIds = (children.get(parent) ?? []).map(parseTurnId);
    if (turnIds.length > 1) forks.push({ turnIds, inUse: parseTurnId(at) });
    at = parent;
  }
  return forks.toReversed();
}

function* findTurnBefore(sessionId: string, turnId: string): Script<string | undefined> {
  return (yield* get(queries.findTurnBefore, { sessionId, turnId }))?.turn_id ?? undefined;
}

/** What each turn goes on from, oldest first. */
function* readParents(sessionId: SessionId): Script<ReadonlyMap<string, string>> {
  const parents = new Map<string, string>();
  let before = ROOT;
  for (const row of yield* all(queries.listTurnParents, { sessionId })) {
    parents.set(row.turn_id, row.parent_turn_id ?? before);
    before = row.turn_id;
  }
  return parents;
}
