import { createHash } from "node:crypto";
import { describe, test } from "vitest";
import { EMPTY_CHAIN, verifyChain } from "#domain/audit/audit-chain.ts";
import type { AuditEntry, AuditEvent, AuditLog, ListAudit } from "#domain/audit/audit-log.ts";
import type { UserId } from "#domain/shared/id.ts";
import { parseUserId } from "#domain/shared/id.ts";

export interface AuditUnderTest extends AsyncDisposable {
  readonly audit: AuditLog;
  /** Erases what concerns a user, as deleting the user does. */
  erase(userId: UserId): Promise<void>;
}

const hash = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");

/** What every audit log promises. */
export function describeAuditLog(name: string, open: () => Promise<AuditUnderTest>): void {
  describe(`AuditLog ${name}`, () => {
    test("begins empty", async ({ expect }) => {
      await using store = await open();
      expect(await store.audit.head()).toEqual(EMPTY_CHAIN);
      expect(await store.audit.list({ limit: 10 })).toEqual([]);
      await store.audit.append([]);
      expect(await store.audit.head()).toEqual(EMPTY_CHAIN);
    });

    test("gives back what was appended, in one intact chain", async ({ expect }) => {
      await using store = await open();
      const { audit } = store;
      const event = { ...eventOf("a"), policyHash: "p", detail: { list: [1, 2.5, "ü", null] } };
      await audit.append([event, { ...eventOf("b"), decision: "denied" }]);
      await audit.append([eventOf("c")]);
      const entries = await audit.read(0, 10);
      expect(entries.map(openOf)).toEqual([
        event,
        { ...eventOf("b"), decision: "denied" },
        eventOf("c"),
      ]);
      expect(await audit.read(1, 1)).toEqual(entries.slice(1, 2));
      const verdict = await verifyChain(entries, { hash });
      expect(verdict).toMatchObject({ kind: "intact", entries: 3, head: await audit.head() });
    });

    test("numbers without a gap what many append at once", async ({ expect }) => {
      await using store = await open();
      const { audit } = store;
      const all = Array.from({ length: 40 }, (_, index) => eventOf(`${index}`));
      await Promise.all(all.map((event) => audit.append([event, event])));
      const entries = await audit.read(0, 100);
      expect(await verifyChain(entries, { hash })).toMatchObject({ kind: "intact", entries: 80 });
    });

    test("list() is newest first, filtered, by pages", async ({ expect }) => {
      await using store = await open();
      const { audit } = store;
      await audit.append([
        { ...eventOf("a"), atMs: 10 },
        { ...eventOf("b"), atMs: 20, actor: "bob" },
        { ...eventOf("c"), atMs: 30, decision: "denied", action: "access.denied" },
        { ...eventOf("d"), atMs: 40, subject: "session:9" },
      ]);
      const seqs = async (input: Omit<ListAudit, "limit">, limit = 10) =>
        (await audit.list({ ...input, limit })).map(({ seq }) => seq);
      expect(await seqs({})).toEqual([4, 3, 2, 1]);
      expect(await seqs({}, 2)).toEqual([4, 3]);
      expect(await seqs({ before: 3 }, 2)).toEqual([2, 1]);
      expect(await seqs({ actor: "bob" })).toEqual([2]);
      expect(await seqs({ action: "access.denied" })).toEqual([3]);
      expect(await seqs({ decision: "allowed", actor: "alice" })).toEqual([4, 1]);
      expect(await seqs({ subject: "session:9" })).toEqual([4]);
      expect(await seqs({ sinceMs: 20, untilMs: 40 })).toEqual([3, 2]);
    });

    test("erasing a user leaves no word of them, and the chain intact", async ({ expect }) => {
      await using store = await open();
      const { audit } = store;
      await audit.append([
        { ...eventOf("a"), actor: "bob", detail: { address: "192.0.2.7" } },
        { ...eventOf("b"), actor: "admin", subject: "user:bob", detail: { name: "Robert" } },
        { ...eventOf("c"), actor: "bobby", subject: "user:bobby" },
      ]);
      const before = await audit.read(0, 10);
      await store.erase(parseUserId("bob"));
      const after = await audit.read(0, 10);
      expect(after.map(openOf)).toMatchObject([
        { actor: undefined, subject: undefined, detail: undefined },
        { actor: "admin", subject: undefined, detail: undefined },
        { actor: "bobby", subject: "user:bobby" },
      ]);
      expect(JSON.stringify(after)).not.toMatch(/Robert|192\.0\.2\.7|"bob"|user:bob"/u);
      expect(after.map((entry) => entry.hash)).toEqual(before.map((entry) => entry.hash));
      expect(await verifyChain(after, { hash })).toMatchObject({ kind: "intact", erased: 2 });
      await audit.append([eventOf("d")]);
      const verdict = await verifyChain(await audit.read(0, 10), { hash });
      expect(verdict).toMatchObject({ kind: "intact", entries: 4 });
    });
  });
}

function eventOf(label: string): AuditEvent {
  return {
    atMs: 1,
    actor: "alice",
    action: "token.created",
    subject: "user:alice",
    decision: "allowed",
    detail: { label },
  };
}

/** The event that an entry holds, `undefined` where something of it was erased. */
function openOf({ atMs, action, decision, policyHash, actor, subject, detail }: AuditEntry) {
  return {
    atMs,
    action,
    decision,
    ...(policyHash === undefined ? {} : { policyHash }),
    actor: actor.kind === "kept" ? actor.value : undefined,
    subject: subject.kind === "kept" ? subject.value : undefined,
    detail: detail.kind === "kept" ? detail.value : undefined,
  };
}
