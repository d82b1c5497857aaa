import { describe, test } from "vitest";
import {
  addQueued,
  addTaint,
  addWaiting,
  answerOf,
  applyFrame,
  type Conversation,
  EMPTY_CONVERSATION,
  findOpenCards,
  findOpenTurn,
  markRunning,
} from "../../../../src/presentation/web/conversation.ts";
import type {
  AgMessage,
  ApprovalCard,
  ApprovalEnd,
  EventFrame,
  RunEvent,
  Taint,
} from "../../../../src/presentation/web/protocol.ts";
import { createRandom } from "../../../support/seeded-random.ts";

const user = (id: string, content: string, turnId: string): AgMessage => ({
  id,
  role: "user",
  content,
  turnId,
});

function framesOf(turnId: string, events: readonly RunEvent[], after = 0, epoch = 1): EventFrame[] {
  return events.map((event, index) => ({
    type: "event",
    sessionId: "s",
    turnId,
    epoch,
    seq: after + index + 1,
    event,
  }));
}

function applyAll(frames: readonly EventFrame[], from = EMPTY_CONVERSATION): Conversation {
  return frames.reduce((conversation, frame) => {
    const result = applyFrame(conversation, frame);
    return result.kind === "ignored" ? conversation : result.conversation;
  }, from);
}

const TURN: readonly RunEvent[] = [
  { type: "RUN_STARTED", input: { messages: [user("m1", "2+2?", "t1")] } },
  { type: "TOOL_CALL_START", toolCallId: "c1", toolCallName: "calculator.evaluate" },
  { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: '{"expression":"2+2"}' },
  { type: "TOOL_CALL_END", toolCallId: "c1" },
  { type: "TOOL_CALL_RESULT", toolCallId: "c1", content: '{"ok":true,"output":4}' },
  { type: "TEXT_MESSAGE_START", messageId: "a1" },
  ...["It ", "is ", "**4**", ", ", "as ", "👩‍🔬 ", "shows."].map(
    (delta): RunEvent => ({ type: "TEXT_MESSAGE_CONTENT", messageId: "a1", delta }),
  ),
  { type: "TEXT_MESSAGE_END", messageId: "a1" },
  { type: "RUN_FINISHED", outcome: { type: "success" } },
];

describe("applyFrame()", () => {
  test("turns a run's events into its message, its calls and its text", ({ expect }) => {
    const { turns, seq } = applyAll(framesOf("t1", TURN));
    expect(seq).toBe(TURN.length);
    expect(turns).toEqual([
      {
        turnId: "t1",
        message: { id: "m1", text: "2+2?" },
        state: { kind: "completed" },
        parts: [
          {
            kind: "tool-call",
            toolCallId: "c1",
            name: "calculator.evaluate",
            inputJson: '{"expression":"2+2"}',
            state: { kind: "ok", outputJson: "4" },
          },
          { kind: "text", messageId: "a1", text: "It is **4**, as 👩‍🔬 shows.", isComplete: true },
        ],
      },
    ]);
  });

  test("gives the same conversation however the frames are cut, repeated and resumed", ({
    expect,
  }) => {
    const frames = [
      ...framesOf("t1", TURN),
      ...framesOf("t2", TURN, TURN.length, 2),
      ...framesOf("t3", TURN, 2 * TURN.length, 2),
    ];
    const whole = applyAll(frames);
    for (let seed = 1; seed <= 500; seed += 1) {
      const { conversation, gaps } = receiveOverBadLine(frames, createRandom(seed));
      expect(conversation, `seed ${seed}`).toEqual(whole);
      expect(gaps, `seed ${seed}`).toBeGreaterThanOrEqual(0);
    }
  });

  test("gives the same texts where a snapshot bridges a stretch of frames", ({ expect }) => {
    const frames = framesOf("t1", TURN);
    const whole = applyAll(frames);
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = createRandom(seed);
      const cut = 1 + Math.floor(random() * (frames.length - 1));
      const had = applyAll(frames.slice(0, Math.floor(random() * cut)));
      const bridged = applyAll([snapshotAfter(frames.slice(0, cut))], had);
      const conversation = applyAll(frames.slice(Math.floor(random() * cut)), bridged);
      expect(conversation.turns.map(answerOf), `seed ${seed}`).toEqual(whole.turns.map(answerOf));
      expect(conversation.seq).toBe(whole.seq);
      expect(conversation.turns.length).toBe(1);
    }
  });

  test("ignores what it has had, by epoch and seq", ({ expect }) => {
    const frames = framesOf("t1", TURN);
    const conversation = applyAll(frames);
    for (const frame of frames) expect(applyFrame(conversation, frame).kind).toBe("ignored");
  });

  test("ignores events of an epoch that is over", ({ expect }) => {
    const conversation = applyAll(framesOf("t1", TURN, 0, 7));
    for (const late of framesOf("t1", TURN, 0, 6)) {
      expect(applyFrame(conversation, late).kind).toBe("ignored");
    }
  });

  test("goes on where an instance with a lower epoch runs the next turn", ({ expect }) => {
    const conversation = applyAll(framesOf("t1", TURN, 0, 7));
    const after = applyAll(framesOf("t2", TURN.slice(0, 2), TURN.length, 6), conversation);
    expect(after).toMatchObject({ epoch: 6, seq: TURN.length + 2 });
    expect(after.turns).toHaveLength(2);
  });

  test("reports a gap and takes in nothing behind it", ({ expect }) => {
    const frames = framesOf("t1", TURN);
    const conversation = applyAll(frames.slice(0, 3));
    const later = frames[5];
    expect(later && applyFrame(conversation, later)).toEqual({ kind: "gap", conversation });
  });

  test("waits for a snapshot where a newer epoch rewrites what it has", ({ expect }) => {
    const before = applyAll(framesOf("t1", TURN.slice(0, 9), 0, 1));
    const [first, second] = framesOf("t1", TURN.slice(0, 2), 8, 2);
    const rewritten = first && applyFrame(before, first);
    expect(rewritten?.kind).toBe("gap");
    const stale = rewritten?.kind === "gap" ? rewritten.conversation : before;
    expect(second && applyFrame(stale, second).kind).toBe("ignored");
    const after = applyAll([snapshotAfter(framesOf("t1", TURN.slice(0, 1), 0, 2))], stale);
    expect(after).toMatchObject({ epoch: 2, seq: 1, isStale: false });
    expect(answerOf(after.turns[0] ?? expect.fail())).toBe("");
  });

  test("goes on where the server died before it stored anything of what was seen", ({ expect }) => {
    const seen = applyAll(framesOf("t1", TURN.slice(0, 9), 0, 1));
    const nothingStored = { ...snapshotAfter(framesOf("t1", TURN.slice(0, 1))), epoch: 0, seq: 0 };
    const after = applyAll([nothingStored, ...framesOf("t1", TURN, 0, 2)], seen);
    expect(after.turns).toEqual(applyAll(framesOf("t1", TURN)).turns);
    expect(after).toMatchObject({ epoch: 2, seq: TURN.length });
  });

  test("begins the answer anew where the turn does", ({ expect }) => {
    const broken = framesOf("t1", TURN.slice(0, 9));
    const again = framesOf("t1", TURN, 9, 2);
    expect(applyAll([...broken, ...again]).turns).toEqual(applyAll(framesOf("t1", TURN)).turns);
  });

  test("shows how a run ended: stopped, or failed with code and message", ({ expect }) => {
    const begun = TURN.slice(0, 3);
    const cancelled: RunEvent = { type: "RUN_FINISHED", outcome: { type: "cancelled" } };
    const failed: RunEvent = { type: "RUN_ERROR", code: "LLM_TIMEOUT", message: "Too slow" };
    const stopped = applyAll(framesOf("t1", [...begun, cancelled])).turns[0];
    expect(stopped).toMatchObject({
      state: { kind: "cancelled" },
      parts: [{ state: { kind: "stopped" } }],
    });
    expect(applyAll(framesOf("t1", [...begun, failed])).turns[0]?.state).toEqual({
      kind: "failed",
      code: "LLM_TIMEOUT",
      message: "Too slow",
    });
  });

  test("shows a call's typed error, and a result that is no JSON as it is", ({ expect }) => {
    const denied = '{"ok":false,"error":{"code":"wall-time","message":"2000 ms used"}}';
    const results = [denied, "<html>"].map((content) => {
      const result: RunEvent = { type: "TOOL_CALL_RESULT", toolCallId: "c1", content };
      return applyAll(framesOf("t1", [...TURN.slice(0, 4), result])).turns[0]?.parts[0];
    });
    expect(results).toMatchObject([
      { state: { kind: "error", code: "wall-time", message: "2000 ms used" } },
      { state: { kind: "error", code: "unreadable", message: "<html>" } },
    ]);
  });

  test("keeps a known failure through a snapshot, which cannot tell it", ({ expect }) => {
    const failed: RunEvent = { type: "RUN_ERROR", code: "LLM_TIMEOUT", message: "Too slow" };
    const before = applyAll(framesOf("t1", [...TURN.slice(0, 1), failed]));
    const snapshot = snapshotAfter(framesOf("t1", TURN.slice(0, 1)), 9);
    expect(applyAll([snapshot], before).turns[0]?.state.kind).toBe("failed");
  });
});

describe("addQueued()", () => {
  const queued = { turnId: "t2", message: { id: "m2", text: "And 3+3?" } };

  test("shows a message until its turn begins, once", ({ expect }) => {
    const waiting = addQueued(addQueued(applyAll(framesOf("t1", TURN)), queued), queued);
    expect(waiting.queued).toEqual([queued]);
    const begun = applyAll(framesOf("t2", [{ type: "RUN_STARTED" }], TURN.length), waiting);
    expect(begun.queued).toEqual([]);
    expect(begun.turns.at(-1)).toMatchObject({ turnId: "t2", message: queued.message });
    expect(addQueued(begun, queued)).toBe(begun);
  });

  test("is what a stop button stops when nothing runs", ({ expect }) => {
    const idle = applyAll(framesOf("t1", TURN));
    expect(findOpenTurn(idle)).toBeUndefined();
    expect(findOpenTurn(addQueued(idle, queued))).toBe("t2");
    expect(findOpenTurn(applyAll(framesOf("t1", TURN.slice(0, 2))))).toBe("t1");
  });
});

test("markRunning() changes only turns whose end nobody has seen", ({ expect }) => {
  const ended = applyAll(framesOf("t1", TURN));
  expect(markRunning(ended, ["t1"]).turns[0]?.state.kind).toBe("completed");
  const unknown = applyAll([snapshotAfter(framesOf("t1", TURN.slice(0, 3)))]);
  expect(unknown.turns[0]?.state.kind).toBe("unknown");
  expect(markRunning(unknown, ["t1"]).turns[0]?.state.kind).toBe("running");
});

/** Delivers `frames` in stretches that stop anywhere; each resumes, sometimes from too early. */
function receiveOverBadLine(frames: readonly EventFrame[], random: () => number) {
  let conversation = EMPTY_CONVERSATION;
  let gaps = 0;
  while (conversation.seq < frames.length) {
    const overlap = Math.floor(random() * 6);
    const isSkipping = random() < 0.2;
    const from = Math.max(0, conversation.seq - overlap) + (isSkipping ? 8 : 0);
    for (const frame of frames.slice(from, from + 1 + Math.floor(random() * 12))) {
      const result = applyFrame(conversation, frame);
      if (result.kind === "gap") gaps += 1;
      if (result.kind !== "ignored") conversation = result.conversation;
    }
  }
  return { conversation, gaps };
}

const CARD: ApprovalCard = {
  approvalId: "ap1",
  toolCallId: "c1",
  tool: "mail.send",
  input: { to: "ada@example.org" },
  inputHash: "0".repeat(64),
  effects: ["external"],
  reaches: [],
  rule: "default.yaml:44: approvals.external",
  reason: "The policy asks",
  expiresAtMs: 9,
};
const PAUSED: readonly RunEvent[] = [
  { type: "RUN_STARTED", input: { messages: [user("m1", "send it", "t1")] } },
  { type: "TOOL_CALL_START", toolCallId: "c1", toolCallName: "mail.send" },
  { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: "{}" },
  { type: "TOOL_CALL_END", toolCallId: "c1" },
  {
    type: "RUN_FINISHED",
    outcome: { type: "interrupt", interrupts: [{ metadata: { card: CARD } }] },
  },
];
const resumed = (decision: ApprovalEnd): RunEvent => ({
  type: "RUN_STARTED",
  input: { messages: [], resume: [{ interruptId: "ap1", payload: { decision } }] },
});

describe("approvals", () => {
  test("a turn that waits shows its cards, and is the one that Stop stops", ({ expect }) => {
    const conversation = applyAll(framesOf("t1", PAUSED));
    expect(conversation.turns[0]).toMatchObject({
      state: { kind: "waiting" },
      parts: [
        { kind: "tool-call", state: { kind: "running" } },
        { kind: "approval", card: CARD, end: undefined },
      ],
    });
    expect(findOpenCards(conversation)).toEqual([CARD]);
    expect(findOpenTurn(conversation)).toBe("t1");
  });

  test.for(["granted", "denied", "expired"] as const)(
    "goes on where it was when it is %s, and keeps what was decided",
    (decision, { expect }) => {
      const result: RunEvent = {
        type: "TOOL_CALL_RESULT",
        toolCallId: "c1",
        content: '{"ok":true,"output":1}',
      };
      const conversation = applyAll(framesOf("t1", [...PAUSED, resumed(decision), result]));
      expect(findOpenCards(conversation)).toEqual([]);
      expect(conversation.turns[0]).toMatchObject({
        message: { text: "send it" },
        state: { kind: "running" },
        parts: [
          { kind: "tool-call", state: { kind: "ok" } },
          { kind: "approval", end: decision },
        ],
      });
    },
  );

  test("what nobody answered is closed with its turn", ({ expect }) => {
    const end: RunEvent = { type: "RUN_FINISHED", outcome: { type: "cancelled" } };
    const conversation = applyAll(framesOf("t1", [...PAUSED, end]));
    expect(findOpenCards(conversation)).toEqual([]);
    expect(conversation.turns[0]?.parts[1]).toMatchObject({ kind: "approval", end: "closed" });
  });

  test("after a snapshot the cards come from the server's list, once", ({ expect }) => {
    const snapshot = snapshotAfter(framesOf("t1", PAUSED));
    const before = applyAll([snapshot]);
    expect(before.turns[0]?.state).toEqual({ kind: "unknown" });
    const after = addWaiting(before, "t1", [CARD]);
    expect(findOpenCards(after)).toEqual([CARD]);
    expect(after.turns[0]?.parts[0]).toMatchObject({ state: { kind: "running" } });
    expect(addWaiting(after, "t1", [CARD])).toEqual(after);
  });
});

describe("what happens behind the text", () => {
  test("thoughts, failed attempts, summaries and spending are kept in their places", ({
    expect,
  }) => {
    const failure = { code: "LLM_TIMEOUT", message: "Too slow" };
    const next = { model: "b/two", waitMs: 500 };
    const spend = { steps: 2, tokens: 1_500, costNanoUsd: 3_000_000, wallMs: 1_200 };
    const events: readonly RunEvent[] = [
      { type: "RUN_STARTED", input: { messages: [user("m1", "hi", "t1")] } },
      {
        type: "CUSTOM",
        name: "nexflow.context-compacted",
        value: { messages: 4, tokensBefore: 900, tokensAfter: 90 },
      },
      { type: "REASONING_MESSAGE_START", messageId: "a1-reasoning" },
      { type: "REASONING_MESSAGE_CONTENT", messageId: "a1-reasoning", delta: "Let me " },
      { type: "REASONING_MESSAGE_CONTENT", messageId: "a1-reasoning", delta: "see" },
      { type: "REASONING_MESSAGE_END", messageId: "a1-reasoning" },
      { type: "TEXT_MESSAGE_START", messageId: "a1" },
      { type: "TEXT_MESSAGE_CONTENT", messageId: "a1", delta: "Half" },
      {
        type: "CUSTOM",
        name: "nexflow.model-failed",
        value: { model: "a/one", failure, messageId: "a1", next },
      },
      { type: "TEXT_MESSAGE_CONTENT", messageId: "a2", delta: "Whole" },
      { type: "TEXT_MESSAGE_END", messageId: "a2" },
      { type: "CUSTOM", name: "nexflow.turn-spent", value: { model: "b/two", spend } },
      { type: "RUN_FINISHED", outcome: { type: "success" } },
    ];
    const { turns } = applyAll(framesOf("t1", events));
    expect(turns[0]).toMatchObject({
      state: { kind: "completed" },
      spent: { model: "b/two", spend },
      parts: [
        { kind: "notice", notice: { kind: "compacted", tokensAfter: 90 } },
        { kind: "reasoning", text: "Let me see", isComplete: true },
        { kind: "text", text: "Half", isComplete: true },
        { kind: "notice", notice: { kind: "model-failed", next } },
        { kind: "text", text: "Whole" },
      ],
    });
  });

  test("a message that joined a turn waits no more", ({ expect }) => {
    const running = applyAll(framesOf("t1", TURN.slice(0, 1)));
    const queued = { turnId: "t2", message: { id: "m2", text: "also this" } };
    const joined: RunEvent = {
      type: "CUSTOM",
      name: "nexflow.message-joined",
      value: { messageId: "m2", text: "also this" },
    };
    const after = applyAll(framesOf("t1", [joined], 1), addQueued(running, queued));
    expect(after.queued).toEqual([]);
    expect(after.turns[0]?.parts).toEqual([{ kind: "joined", messageId: "m2", text: "also this" }]);
  });

  test("what a session has seen and holds adds up, and outlives a snapshot", ({ expect }) => {
    const taint = (value: Taint): RunEvent => ({
      type: "CUSTOM",
      name: "nexflow.session-tainted",
      value: { taint: value },
    });
    const events = [taint({ untrusted: "tool web.fetch" }), taint({ private: "memory notes" })];
    const both = { untrusted: "tool web.fetch", private: "memory notes" };
    const conversation = applyAll(framesOf("t1", events));
    expect(conversation.taint).toEqual(both);
    expect(applyAll([snapshotAfter(framesOf("t1", TURN))], conversation).taint).toEqual(both);
    expect(addTaint(EMPTY_CONVERSATION, {})).toBe(EMPTY_CONVERSATION);
    expect(addTaint(EMPTY_CONVERSATION, { private: "x" }).taint).toEqual({ private: "x" });
  });
});

/** The snapshot a server would send that has stored the one turn of `frames`. */
function snapshotAfter(frames: readonly EventFrame[], seq = frames.length): EventFrame {
  const { epoch = 1 } = frames.at(-1) ?? {};
  const turn = applyAll(
    framesOf(
      "t1",
      frames.map(({ event }) => event),
    ),
  ).turns[0];
  const messages: AgMessage[] = turn?.message ? [user("m1", turn.message.text, "t1")] : [];
  for (const part of turn?.parts ?? []) {
    if (part.kind === "text") {
      messages.push({ id: part.messageId, role: "assistant", content: part.text, turnId: "t1" });
      continue;
    }
    if (part.kind !== "tool-call") continue;
    const call = { id: part.toolCallId, function: { name: part.name, arguments: part.inputJson } };
    messages.push({ id: "call", role: "assistant", toolCalls: [call], turnId: "t1" });
    if (part.state.kind !== "ok") continue;
    const content = `{"ok":true,"output":${part.state.outputJson}}`;
    messages.push({ id: "r", role: "tool", toolCallId: part.toolCallId, content, turnId: "t1" });
  }
  const event = { type: "MESSAGES_SNAPSHOT", messages } as const;
  return { type: "event", sessionId: "s", turnId: "t1", epoch, seq, event };
}
