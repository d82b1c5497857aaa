import { EMPTY_CHAIN, eraseEntry, extendChain } from "#domain/audit/audit-chain.ts";
import type { AuditEntry, AuditEvent, AuditHead, ListAudit } from "#domain/audit/audit-log.ts";
import type { UserId } from "#domain/shared/id.ts";
import { hashSecret, newSecret } from "../../ids/ids.ts";
import { auditEntryFromRow, auditEntryToArgs } from "../audit-rows.ts";
import { queries } from "../load-queries.ts";
import { MIGRATION_NAMES } from "../migrations.ts";
import { all, get, run, type Script } from "../script.ts";

const SALT_CHARS = 22;
const TOOLS = { hash: hashSecret, newSalt: () => newSecret().slice(0, SALT_CHARS) };

/**
 * Adds events to the chain. Whoever does so along with other writes does it last: until the
 * transaction ends nobody else can. What a user did who is gone by now is erased from the start.
 */
export function* appendAudit(events: readonly AuditEvent[]): Script<void> {
  if (events.length === 0) return;
  const head = (yield* get(queries.lockAuditHead)) ?? EMPTY_CHAIN;
  const entries = extendChain(head, events, TOOLS);
  const gone = yield* findGone(entries);
  for (const entry of entries) {
    const kept = gone.has(actorOf(entry)) ? eraseEntry(entry) : entry;
    yield* run(queries.insertAuditEntry, auditEntryToArgs(kept));
  }
  const { seq, hash } = entries.at(-1) ?? head;
  yield* run(queries.moveAuditHead, { seq, hash });
}

/**
 * Erases what concerns a user, and gives the number of entries. Their hashes stay: the chain
 * verifies as before.
 */
export function* eraseAudit(userId: UserId): Script<number> {
  const done = yield* run(queries.eraseAuditOfActor, { userId });
  return done + (yield* run(queries.eraseAuditOfSubject, { subject: `user:${userId}` }));
}

/** Actors who are no users, or no longer. */
function* findGone(entries: readonly AuditEntry[]): Script<ReadonlySet<string>> {
  const gone = new Set<string>();
  for (const actor of new Set(entries.map(actorOf))) {
    if (NO_USERS.has(actor)) continue;
    if ((yield* get(queries.findUser, { userId: actor })) === undefined) gone.add(actor);
  }
  return gone;
}

const NO_USERS: ReadonlySet<string> = new Set(["system", "anonymous"]);

function actorOf({ actor }: AuditEntry): string {
  return actor.kind === "kept" ? actor.value : "";
}

/** Records an upgrade; that a first database was made is none. */
export function* auditUpgrade(migrations: readonly string[]): Script<void> {
  if (migrations.length === 0 || migrations.length === MIGRATION_NAMES.length) return;
  const facts = { atMs: Date.now(), actor: "system", subject: "store" };
  const act = { action: "store.migrated", decision: "allowed", detail: { migrations } } as const;
  yield* appendAudit([{ ...facts, ...act }]);
}

export function* findAuditHead(): Script<AuditHead> {
  return (yield* get(queries.findAuditHead)) ?? EMPTY_CHAIN;
}

export function* readAudit(seq: number, limit: number): Script<AuditEntry[]> {
  return (yield* all(queries.readAudit, { seq, limit })).map(auditEntryFromRow);
}

export function* listAudit(input: ListAudit): Script<AuditEntry[]> {
  const { actor, subject = "", action = "", decision = "", limit } = input;
  const { sinceMs = Number.MIN_SAFE_INTEGER, untilMs = Number.MAX_SAFE_INTEGER } = input;
  const { before = Number.MAX_SAFE_INTEGER } = input;
  const args = { subject, action, decision, sinceMs, untilMs, before, limit };
  const query =
    actor !== undefined
      ? all(queries.listAuditOfActor, { ...args, actor })
      : all(subject === "" ? queries.listAudit : queries.listAuditOfSubject, args);
  return (yield* query).map(auditEntryFromRow);
}
