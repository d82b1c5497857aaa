import { EventEmitter } from "node:events";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { describe, test } from "vitest";
import { toCardText } from "#presentation/cmd/approval-text.ts";
import { createQuestions, parseVerdict } from "#presentation/cmd/ask-approval.ts";
import type { RunEvent, ShownCard } from "#presentation/cmd/chat-protocol.ts";
import { LineReader } from "#presentation/cmd/line-reader.ts";

const CARD: ShownCard = {
  approvalId: "ap1",
  tool: "mail.send",
  input: { to: "ada@example.org", text: "a\u202eb" },
  inputHash: "0".repeat(64),
  effects: ["external"],
  reaches: ["https://mail.example.org (POST)", "secret MAIL_KEY, sent to https://mail.example.org"],
  rule: "mail.yaml:40: approvals.external",
  reason: "The policy asks before calls that act on the outside",
  expiresAtMs: 3_600_000,
};

test("toCardText() shows all there is to know, and nothing hides in it", ({ expect }) => {
  expect(toCardText(CARD, 0)).toMatchInlineSnapshot(`
    "Approve mail.send?
      because   The policy asks before calls that act on the outside (mail.yaml:40: approvals.external)
      reaches   https://mail.example.org (POST); secret MAIL_KEY, sent to https://mail.example.org
      open for  60 min
      {
        "to": "ada@example.org",
        "text": "a\\u202eb"
      }"
  `);
});

describe("parseVerdict()", () => {
  test.for([
    ["y", { kind: "grant", scope: { kind: "once" } }],
    [" YES ", { kind: "grant", scope: { kind: "once" } }],
    ["s", { kind: "grant", scope: { kind: "session" } }],
    ["n", { kind: "deny" }],
    ["no  not to them ", { kind: "deny", reason: "not to them" }],
    ["", undefined],
    ["y please", undefined],
    ["yep", undefined],
    ["send it", undefined],
  ] as const)("%j", ([line, verdict], { expect }) => {
    expect(parseVerdict(line)).toEqual(verdict);
  });
});

describe("createQuestions()", () => {
  test("takes no answer that was typed before the question, and asks until there is one", async ({
    expect,
  }) => {
    const { type, questions, decided, prompts } = open();
    type("y");
    questions.take(paused(CARD));
    await expect.poll(prompts).toBe(1);
    expect(decided).toEqual([]);
    type("perhaps");
    await expect.poll(prompts).toBe(2);
    type("s");
    await expect
      .poll(() => decided)
      .toEqual([["ap1", { kind: "grant", scope: { kind: "session" } }]]);
  });

  test("asks about one after the other, and tells what was refused", async ({ expect }) => {
    const { type, questions, decided, notes, prompts } = open({ refuse: "ap1" });
    questions.take(paused(CARD, { ...CARD, approvalId: "ap2" }));
    await expect.poll(prompts).toBe(1);
    type("y");
    await expect.poll(prompts).toBe(2);
    type("n no");
    await expect.poll(() => decided.length).toBe(2);
    expect(notes).toContain("It is decided already");
    expect(decided[1]).toEqual(["ap2", { kind: "deny", reason: "no" }]);
  });

  test("asks no more once the turn goes on", async ({ expect }) => {
    const { type, questions, decided, prompts, reader } = open();
    questions.take(paused(CARD));
    await expect.poll(prompts).toBe(1);
    questions.take({ type: "RUN_STARTED", input: { resume: [{ interruptId: "ap1" }] } });
    const next = reader.next("> ");
    type("y");
    expect(await next).toBe("y");
    expect(decided).toEqual([]);
  });

  test("says where to answer where nobody types", ({ expect }) => {
    const { questions, notes } = open({ isPiped: true });
    questions.take(paused(CARD));
    expect(notes.at(-1)).toContain("nexflow approval grant ap1");
  });
});

function paused(...cards: readonly ShownCard[]): RunEvent {
  const interrupts = cards.map((card) => ({ metadata: { card } }));
  return { type: "RUN_FINISHED", outcome: { type: "interrupt", interrupts } };
}

function open({ refuse, isPiped = false }: { refuse?: string; isPiped?: boolean } = {}) {
  const input = new PassThrough();
  const typed = new EventEmitter();
  const lines = createInterface({ input });
  lines.on("line", () => typed.emit("line"));
  let prompts = 0;
  const reader = new LineReader(
    Object.assign(lines, {
      prompt: () => {
        prompts += 1;
      },
    }),
  );
  const notes: string[] = [];
  const decided: [string, unknown][] = [];
  const questions = createQuestions({
    note: (line) => void notes.push(line),
    read: isPiped ? undefined : (prompt, signal) => reader.fresh(prompt, signal),
    decide: async ({ approvalId }, verdict) => {
      decided.push([approvalId, verdict]);
      if (approvalId === refuse) throw new Error("It is decided already");
    },
  });
  return {
    questions,
    notes,
    decided,
    reader,
    prompts: () => prompts,
    type: (line: string) => void input.write(`${line}\n`),
  };
}
