import { createHash, randomBytes } from "node:crypto";
import { EMPTY_CHAIN, extendChain } from "#domain/audit/audit-chain.ts";
import type { AuditEntry, AuditLog, Sealed } from "#domain/audit/audit-log.ts";
import type { JsonValue } from "#domain/shared/json.ts";

const tools = {
  hash: (text: string) => createHash("sha256").update(text, "utf8").digest("hex"),
  newSalt: () => randomBytes(16).toString("base64url"),
};

/** An audit log in memory. */
export function createMemoryAuditLog(): AuditLog & { erase(userId: string): Promise<void> } {
  const entries: AuditEntry[] = [];
  const headOf = () => entries.at(-1) ?? EMPTY_CHAIN;
  return {
    append: async (events) => {
      entries.push(...extendChain(headOf(), events, tools));
    },
    list: async ({ actor, action, subject, decision, sinceMs, untilMs, before, limit }) =>
      entries
        .filter((entry) => actor === undefined || valueOf(entry.actor) === actor)
        .filter((entry) => subject === undefined || valueOf(entry.subject) === subject)
        .filter((entry) => action === undefined || entry.action === action)
        .filter((entry) => decision === undefined || entry.decision === decision)
        .filter((entry) => sinceMs === undefined || entry.atMs >= sinceMs)
        .filter((entry) => untilMs === undefined || entry.atMs < untilMs)
        .filter((entry) => before === undefined || entry.seq < before)
        .toReversed()
        .slice(0, limit),
    read: async (seq, limit) => entries.slice(seq, seq + limit),
    head: async () => ({ seq: headOf().seq, hash: headOf().hash }),
    erase: async (userId) => {
      for (const [index, entry] of entries.entries()) {
        const isActor = valueOf(entry.actor) === userId;
        if (!isActor && valueOf(entry.subject) !== `user:${userId}`) continue;
        const { actor, subject, detail } = entry;
        entries[index] = {
          ...entry,
          actor: isActor ? erase(actor) : actor,
          subject: erase(subject),
          detail: erase(detail),
        };
      }
    },
  };
}

function valueOf(sealed: Sealed<JsonValue>): JsonValue | undefined {
  return sealed.kind === "kept" ? sealed.value : undefined;
}

function erase<T extends JsonValue>({ hash }: Sealed<T>): Sealed<T> {
  return { kind: "erased", hash };
}
