import { describe, test, vi } from "vitest";
import type { CallFacts, ToolDecision } from "#application/ports/tool-source.ts";
import { CANCELLED } from "#application/run-turn/turn-signal.ts";
import {
  type ApprovalScope,
  denyApproval,
  expireApproval,
  grantApproval,
} from "#domain/approval/approval.ts";
import type { Message } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";
import { BOX, call, FACTS, finish, openRun, type Step, say } from "../../../support/turn-run.ts";
import { BOB } from "../../../support/turn-store.ts";

type Opened = Awaited<ReturnType<typeof openRun>>;

const ASK: ToolDecision = {
  kind: "ask",
  facts: { ...FACTS, rule: "policy:3", reaches: ["https://mail.example (POST)"] },
  expiresInMs: 1_000,
  reason: "It sends something out",
};
const allow = (facts: Partial<CallFacts>): ToolDecision => ({
  kind: "allow",
  facts: { ...FACTS, ...facts },
});
const ONCE = { kind: "once", isUsed: false } as const;
const EVENT = {
  atMs: 1,
  actor: "bob",
  action: "approval.decided",
  subject: "approval",
  decision: "allowed",
  detail: {},
} as const;

/** Sends once, then says what came of it. */
const SEND: readonly Step[] = [
  [say("I will send it. "), call("c1", "box.send", { to: "ada", n: 1 }), finish],
  [say("Done."), finish],
];

async function openAsking(steps: readonly Step[] = SEND) {
  const opened = await openRun({ steps });
  opened.decideWith((tool) => (tool === "send" ? ASK : { kind: "allow", facts: FACTS }));
  return opened;
}

const pendingOf = async (opened: Opened, turn: QueuedTurn) =>
  (await opened.approvals.listOfTurn(turn.turnId)).filter(({ state }) => state.kind === "pending");

async function grant(opened: Opened, turn: QueuedTurn, scope: ApprovalScope = ONCE) {
  for (const approval of await pendingOf(opened, turn)) {
    const granted = grantApproval(approval, BOB, { scope, nowMs: 2 });
    await opened.approvals.resolve(granted, EVENT);
  }
}

/** Goes on with a turn that was queued again, as another run. */
async function goOn(opened: Opened, turn: QueuedTurn) {
  const claimed = await opened.claim(turn);
  return opened.run(claimed, undefined, claimed.isCancelled);
}

const outcomes = (messages: readonly Pick<Message, "parts">[]) =>
  messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.kind === "tool-result" ? [part.outcome] : [])),
  );

describe("a call that a policy asks about", () => {
  test("is made once though the store was away when its grant was used", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    const save = opened.approvals.save.bind(opened.approvals);
    const away = new Fault("STORE_UNAVAILABLE", "Cannot write: the connection broke");
    vi.spyOn(opened.approvals, "save").mockImplementationOnce(async (approval) => {
      await save(approval);
      throw away;
    });
    vi.spyOn(opened.approvals, "listGrants").mockRejectedValueOnce(away);
    vi.spyOn(opened.approvals, "listOfTurn").mockRejectedValueOnce(away);
    await goOn(opened, turn);
    expect(opened.calls).toHaveLength(1);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("pauses its turn with a card in the policy's words, and is not made", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toEqual({ kind: "paused", headSeq: opened.shown.length });
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).state).toEqual({ kind: "waiting", sinceMs: 1 });
    const [approval] = await pendingOf(opened, turn);
    expect(approval).toMatchObject({
      userId: turn.userId,
      skill: "box",
      tool: "send",
      expiresAtMs: 1_001,
    });
    expect(opened.shown.at(-1)?.event).toEqual({
      kind: "turn-paused",
      approvals: [
        {
          approvalId: approval?.id,
          toolCallId: "c1",
          tool: "box.send",
          input: { to: "ada", n: 1 },
          inputHash: approval?.inputHash,
          effects: ["external"],
          reaches: ["https://mail.example (POST)"],
          rule: "policy:3",
          reason: "It sends something out",
          expiresAtMs: 1_001,
        },
      ],
    });
    expect(opened.stored(turn).texts).toEqual(["Hello", "I will send it. "]);
    expect(opened.stored(turn).events).toMatchObject({ events: opened.shown });
  });

  test("is neither made nor its grant used up while the brake is on", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    await opened.brakes.engage({ sinceMs: 1, by: BOB, reason: undefined });
    await goOn(opened, turn);
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
    expect(await opened.approvals.listOfTurn(turn.turnId)).toMatchObject([
      { state: { kind: "granted", scope: ONCE } },
    ]);
  });

  test("is not asked about while the brake is on", async ({ expect }) => {
    await using opened = await openAsking([
      async function* () {
        yield call("c1", "box.send", { to: "ada", n: 1 });
        await opened.brakes.engage({ sinceMs: 1, by: BOB, reason: undefined });
        yield finish;
      },
    ]);
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "ended" });
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
    expect(await opened.approvals.listOfTurn(turn.turnId)).toEqual([]);
  });

  test("is made once when it is granted, and the model goes on where it was", async ({
    expect,
  }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    const paused = opened.shown.splice(0);
    expect(await goOn(opened, turn)).toMatchObject({ kind: "ended" });
    expect(opened.calls).toMatchObject([{ tool: "send", input: { to: "ada", n: 1 } }]);
    expect(opened.requests).toHaveLength(2);
    expect(opened.kinds()[0]).toBe("turn-resumed");
    expect(opened.shown[0]?.event).toMatchObject({ decisions: [{ decision: "granted" }] });
    const { state, texts, events } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "completed" });
    expect(texts).toEqual(["Hello", "I will send it. ", "Done."]);
    expect(events).toMatchObject({ events: [...paused, ...opened.shown] });
    expect((await opened.approvals.listOfTurn(turn.turnId))[0]?.state).toMatchObject({
      scope: { kind: "once", isUsed: true },
    });
  });

  test("is not made when it is denied, and the model hears why", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    for (const approval of await pendingOf(opened, turn)) {
      const denied = denyApproval(approval, BOB, { reason: "wrong person", nowMs: 2 });
      await opened.approvals.resolve(denied, EVENT);
    }
    await goOn(opened, turn);
    expect(opened.calls).toEqual([]);
    const [outcome] = outcomes(opened.requests[1]?.messages ?? []);
    expect(outcome).toMatchObject({ code: "approval-denied" });
    expect(JSON.stringify(outcome)).toContain("wrong person");
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("is not made when nobody decides in time", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    opened.setTime(2_000);
    for (const approval of await pendingOf(opened, turn)) {
      await opened.approvals.resolve(expireApproval(approval, 2_000), EVENT);
    }
    await goOn(opened, turn);
    expect(opened.calls).toEqual([]);
    expect(outcomes(opened.requests[1]?.messages ?? [])).toMatchObject([
      { code: "approval-expired" },
    ]);
  });

  test("a grant is for one call: the same call again asks again", async ({ expect }) => {
    await using opened = await openAsking([
      [call("c1", "box.send", { n: 1 }), finish],
      [call("c2", "box.send", { n: 1 }), finish],
    ]);
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    expect(await goOn(opened, turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls).toHaveLength(1);
    expect(await pendingOf(opened, turn)).toMatchObject([{ toolCallId: "c2" }]);
  });

  test("a grant that its turn did not use is none for another turn", async ({ expect }) => {
    await using opened = await openAsking([
      [call("c1", "box.send", { n: 1 }), finish],
      [call("c2", "box.send", { n: 1 }), finish],
    ]);
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    await opened.store.turns.cancel(turn.turnId);
    expect(await goOn(opened, turn)).toMatchObject({ kind: "ended" });
    const { sessionId } = turn;
    const next = await opened.store.accept({ sessionId });
    expect(await opened.run(next)).toMatchObject({ kind: "paused" });
    expect(opened.calls).toEqual([]);
  });

  test("a grant for the session covers the same arguments, and not one changed byte", async ({
    expect,
  }) => {
    await using opened = await openAsking([
      [call("c1", "box.send", { to: "ada" }), finish],
      [call("c2", "box.send", { to: "ada" }), finish],
      [call("c3", "box.send", { to: "adb" }), finish],
    ]);
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn, { kind: "session" });
    expect(await goOn(opened, turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls.map(({ input }) => input)).toEqual([{ to: "ada" }, { to: "ada" }]);
    expect(await pendingOf(opened, turn)).toMatchObject([{ input: { to: "adb" } }]);
  });

  test("a grant for a pattern is used up by its count", async ({ expect }) => {
    await using opened = await openAsking([
      [call("c1", "box.send", { to: "ada", n: 1 }), finish],
      [call("c2", "box.send", { to: "ada", n: 2 }), finish],
      [call("c3", "box.send", { to: "ada", n: 3 }), finish],
    ]);
    const turn = await opened.store.accept();
    await opened.run(turn);
    const fixed = { to: "ada" };
    await grant(opened, turn, { kind: "pattern", fixed, usesLeft: 2, expiresAtMs: 500 });
    expect(await goOn(opened, turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls).toHaveLength(2);
  });

  test("waits until all other calls of its step are done", async ({ expect }) => {
    await using opened = await openAsking([
      [call("c1", "box.send"), call("c2", "box.put"), call("c3", "box.look"), finish],
      [say("All."), finish],
    ]);
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["look", "put"]);
    await grant(opened, turn);
    await goOn(opened, turn);
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["look", "put", "send"]);
    const asked = opened.requests[1]?.messages.flatMap(({ parts }) => parts) ?? [];
    expect(asked.filter(({ kind }) => kind === "tool-result")).toHaveLength(3);
  });

  test("a crash after it was begun never makes it twice", async ({ expect }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    await grant(opened, turn);
    opened.answerWith(() => new Promise(() => {}));
    void goOn(opened, turn);
    await expect.poll(() => opened.calls.length).toBe(1);
    const again = await opened.takeOver(turn);
    await opened.run({ ...turn, ...again });
    expect(opened.calls).toHaveLength(1);
    expect(outcomes(opened.requests[1]?.messages ?? [])).toMatchObject([{ code: "interrupted" }]);
  });

  test("a turn that is cancelled while it waits ends, and nothing is called", async ({
    expect,
  }) => {
    await using opened = await openAsking();
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(await opened.store.turns.cancel(turn.turnId)).toBe(true);
    await goOn(opened, turn);
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "cancelled" });
    expect(outcomes(opened.stored(turn).messages)).toMatchObject([{ code: "cancelled" }]);
  });

  test("a turn that is cancelled just before it would wait does not wait", async ({ expect }) => {
    const controller = new AbortController();
    await using opened = await openAsking([
      [call("c1", "box.send"), call("c2", "box.look"), finish],
    ]);
    opened.answerWith(async ({ input }) => {
      controller.abort(CANCELLED);
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    expect(opened.stored(turn).state).toMatchObject({ kind: "cancelled" });
    expect(await opened.approvals.listOfTurn(turn.turnId)).toEqual([]);
  });
});

describe("the Rule of Two", () => {
  const both = { bringsUntrusted: true, holdsPrivate: true };

  test("what calls bring is kept and shown, with where it came from first", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [call("c2", "box.put"), finish],
        [say("Done"), finish],
      ],
    });
    opened.decideWith((tool) =>
      allow(tool === "look" ? { bringsUntrusted: true } : { holdsPrivate: true }),
    );
    const turn = await opened.store.accept();
    await opened.run(turn);
    const taint = { untrusted: "tool box.look", private: "tool box.put" };
    expect(opened.stored(turn).taint).toEqual(taint);
    const shown = opened.shown.flatMap(({ event }) =>
      event.kind === "session-tainted" ? [event.taint] : [],
    );
    expect(shown).toEqual([{ untrusted: "tool box.look" }, taint]);
  });

  test("asks before anything goes outside, though the policy allows it", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [call("c2", "box.send"), finish],
      ],
    });
    opened.decideWith((tool) => allow(tool === "look" ? both : {}));
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["look"]);
    expect(await pendingOf(opened, turn)).toMatchObject([{ card: { rule: "rule of two" } }]);
  });

  test("counts what calls of the same step bring, whatever their order", async ({ expect }) => {
    await using opened = await openRun({
      steps: [[call("c1", "box.send"), call("c2", "box.look"), finish]],
    });
    opened.decideWith((tool) => allow(tool === "look" ? both : {}));
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["look"]);
  });

  test("holds in the session's later turns", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("Seen"), finish],
        [call("c2", "box.send"), finish],
      ],
    });
    opened.decideWith((tool) => allow(tool === "look" ? both : {}));
    const first = await opened.store.accept();
    await opened.run(first);
    const second = await opened.store.accept({ sessionId: first.sessionId });
    expect(await opened.run(second)).toMatchObject({ kind: "paused" });
  });

  test("a tool that only reads, but outside, is asked about too", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.put"), finish],
        [call("c2", "box.look"), finish],
      ],
    });
    opened.decideWith((tool) => allow(tool === "put" ? both : { actsOutside: true }));
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "paused" });
    expect(opened.calls.map(({ tool }) => tool)).toEqual(["put"]);
  });

  test("counts what strangers say of any tool that the model is told of", async ({ expect }) => {
    for (const [isDescribedByStranger, kind] of [
      [true, "paused"],
      [false, "ended"],
    ] as const) {
      await using opened = await openRun({
        steps: [[call("c1", "box.send"), finish], [finish]],
        more: [{ ...BOX, name: "other", tools: [], isDescribedByStranger }],
      });
      opened.decideWith(() => allow({ holdsPrivate: true }));
      const turn = await opened.store.accept();
      expect(await opened.run(turn)).toMatchObject({ kind });
      expect(opened.calls).toHaveLength(isDescribedByStranger ? 0 : 1);
    }
  });

  test("one half alone asks nobody", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [call("c2", "box.send"), finish],
        [say("Sent"), finish],
      ],
    });
    opened.decideWith(() => allow({ bringsUntrusted: true }));
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toMatchObject({ kind: "ended" });
    expect(opened.calls).toHaveLength(2);
  });
});
