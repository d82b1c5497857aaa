import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "vitest";
import {
  EMPTY_CHAIN,
  eraseEntry,
  extendChain,
  isErased,
  verifyChain,
} from "#domain/audit/audit-chain.ts";
import type { AuditEntry, AuditEvent } from "#domain/audit/audit-log.ts";

const hash = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");
const tools = { hash, newSalt: () => randomBytes(16).toString("base64url") };

function eventOf(number: number): AuditEvent {
  return {
    atMs: 1_000 + number,
    actor: "alice",
    action: "token.created",
    subject: `user:${number}`,
    decision: "allowed",
    detail: { number },
  };
}

const events = Array.from({ length: 10 }, (_, index) => eventOf(index));
const chain = extendChain(EMPTY_CHAIN, events, tools);
const last = chain.at(-1) as AuditEntry;

test("a chain is intact, and goes on where it ended", async ({ expect }) => {
  const more = extendChain(last, events, tools);
  expect(await verifyChain([...chain, ...more], { hash })).toEqual({
    kind: "intact",
    entries: 20,
    erased: 0,
    head: { seq: 20, hash: more.at(-1)?.hash },
  });
  expect(await verifyChain(more, { hash, start: last })).toMatchObject({ entries: 10 });
  expect(await verifyChain([], { hash })).toMatchObject({ kind: "intact", head: EMPTY_CHAIN });
});

test("the hash of an entry is what the documentation says", ({ expect }) => {
  const [entry] = extendChain(EMPTY_CHAIN, [eventOf(1)], { hash, newSalt: () => "salt" });
  expect(entry).toMatchObject({
    actor: { hash: hash('["salt","alice"]') },
    subject: { hash: hash('["salt","user:1"]') },
    detail: { hash: hash('["salt",{"number":1}]') },
    hash: hash(
      `{"action":"token.created","actorHash":"${hash('["salt","alice"]')}","atMs":1001,` +
        `"decision":"allowed","detailHash":"${hash('["salt",{"number":1}]')}","format":1,` +
        `"policyHash":null,"prevHash":"${"0".repeat(64)}","seq":1,` +
        `"subjectHash":"${hash('["salt","user:1"]')}"}`,
    ),
  });
});

describe("verifyChain() finds the first entry that is broken when", () => {
  const changes: readonly [string, (entries: AuditEntry[]) => unknown, object][] = [
    ["an entry is missing", (all) => all.splice(3, 1), { seq: 5, flaw: "number" }],
    ["the first is missing", (all) => all.splice(0, 1), { seq: 2, flaw: "number" }],
    [
      "two change places",
      (all) => all.splice(2, 2, all[3] as AuditEntry, all[2] as AuditEntry),
      { seq: 4, flaw: "number" },
    ],
    ["two change places and numbers", swapTwo, { seq: 3, flaw: "link" }],
    [
      "an entry is there twice",
      (all) => all.splice(3, 0, all[3] as AuditEntry),
      { seq: 4, flaw: "number" },
    ],
    ["a time is changed", change(4, (entry) => ({ ...entry, atMs: 1 })), { seq: 5, flaw: "entry" }],
    [
      "a decision is changed",
      change(0, (entry) => ({ ...entry, decision: "denied" })),
      { seq: 1, flaw: "entry" },
    ],
    [
      "an action is changed",
      change(9, (entry) => ({ ...entry, action: "x" })),
      { seq: 10, flaw: "entry" },
    ],
    [
      "an actor is changed",
      change(4, (entry) => ({ ...entry, actor: { ...entry.actor, value: "eve" } })),
      { seq: 5, flaw: "actor" },
    ],
    [
      "a detail is changed",
      change(4, (entry) => ({ ...entry, detail: { ...entry.detail, value: { number: 5.5 } } })),
      { seq: 5, flaw: "detail" },
    ],
    ["a subject and its hash are changed", change(4, reseal), { seq: 5, flaw: "entry" }],
    ["an entry is made anew", change(4, (entry) => remake(entry)), { seq: 6, flaw: "link" }],
  ];

  test.for(changes)("%s", async ([, tamper, expected], { expect }) => {
    const entries = [...chain];
    tamper(entries);
    expect(await verifyChain(entries, { hash })).toEqual({ kind: "broken", ...expected });
  });
});

describe("a cut tail", () => {
  test("is found by a head that was kept elsewhere, and by nothing else", async ({ expect }) => {
    const cut = chain.slice(0, 7);
    expect(await verifyChain(cut, { hash })).toMatchObject({ kind: "intact", entries: 7 });
    expect(await verifyChain(cut, { hash, expected: last })).toEqual({
      kind: "broken",
      seq: 8,
      flaw: "end",
    });
  });

  test("that was written anew is found by that head too", async ({ expect }) => {
    const forged = [...chain.slice(0, 7), ...extendChain(chain[6] as AuditEntry, events, tools)];
    expect(await verifyChain(forged, { hash })).toMatchObject({ kind: "intact", entries: 17 });
    const verdict = await verifyChain(forged, { hash, expected: last });
    expect(verdict).toEqual({ kind: "broken", seq: 10, flaw: "head" });
  });
});

test("what is erased leaves the chain intact", async ({ expect }) => {
  const entries = [...chain];
  const [entry] = entries.splice(4, 1);
  if (entry === undefined) throw new Error("There is no entry 5");
  const erased = eraseEntry(entry);
  entries.splice(4, 0, erased);
  expect(isErased(erased)).toBe(true);
  expect(await verifyChain(entries, { hash, expected: last })).toMatchObject({
    kind: "intact",
    erased: 1,
  });
});

test("an erased value is not found again by guessing", ({ expect }) => {
  const [one, other] = extendChain(EMPTY_CHAIN, [eventOf(1), eventOf(1)], tools);
  expect(one?.actor.hash).not.toBe(other?.actor.hash);
  expect(one?.actor.hash).not.toBe(hash('"alice"'));
});

test("extendChain() takes text that a store or another program could not", async ({ expect }) => {
  const odd = { ...eventOf(1), actor: "a\u0000\ud800b", detail: { name: "\udfff\u0000" } };
  const long = { ...eventOf(2), subject: "x".repeat(1_000), detail: "y".repeat(10_000) };
  const entries = extendChain(EMPTY_CHAIN, [odd, long], tools);
  expect(entries[0]?.actor).toMatchObject({ value: "a\u{fffd}\u{fffd}b" });
  expect(entries[0]?.detail).toMatchObject({ value: { name: "\u{fffd}\u0000" } });
  expect(entries[1]?.subject).toMatchObject({ value: "x".repeat(200) });
  expect(entries[1]?.detail).toMatchObject({ value: { omittedChars: 10_002 } });
  expect(await verifyChain(entries, { hash })).toMatchObject({ kind: "intact" });
});

function change(index: number, toOther: (entry: AuditEntry) => AuditEntry) {
  return (entries: AuditEntry[]) => {
    const [entry] = entries.splice(index, 1);
    if (entry !== undefined) entries.splice(index, 0, toOther(entry));
  };
}

function swapTwo(entries: AuditEntry[]): void {
  const [one, other] = entries.slice(2, 4) as [AuditEntry, AuditEntry];
  entries.splice(2, 2, { ...other, seq: one.seq }, { ...one, seq: other.seq });
}

function reseal(entry: AuditEntry): AuditEntry {
  const sealed = { kind: "kept", salt: "s", value: "user:eve" } as const;
  return { ...entry, subject: { ...sealed, hash: hash('["s","user:eve"]') } };
}

function remake({ seq, prevHash }: AuditEntry): AuditEntry {
  const before = { seq: seq - 1, hash: prevHash };
  return extendChain(before, [eventOf(77)], tools)[0] as AuditEntry;
}
