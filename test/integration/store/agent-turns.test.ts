import { describe, test } from "vitest";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import { denyApproval, expireApproval, grantApproval } from "#domain/approval/approval.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { ImagePart } from "#domain/message/message.ts";
import { parseSessionId, parseTaskId, parseTurnId, type TurnId } from "#domain/shared/id.ts";
import { MAX_TURN_ATTEMPTS, UNSAVED_TIME_MOST_MS } from "#domain/turn/turn.ts";
import {
  type AcceptedTurn,
  type AgentStore,
  ALICE,
  BOB,
  messageOf,
  modelCallOf,
  nextId,
  openAgentStore,
} from "../../support/agent-store.ts";
import { approvalOf } from "../../support/approvals.ts";
import { openJobEngine } from "../../support/open-job-engine.ts";
import { STORES } from "../../support/open-test-store.ts";

const EVENT: AuditEvent = {
  atMs: 5,
  actor: "bob",
  action: "approval.denied",
  subject: "approval:a1",
  decision: "denied",
  detail: {},
};
const DAY_MS = 86_400_000;
const PICTURE: ImagePart = { kind: "image", mediaType: "image/png", data: "iVBORw0KGgo=" };

describe.each(STORES)("a turn that waits for people %s", (_name, openStore) => {
  const open = () => openAgentStore(openStore);

  test("is nobody's, keeps its session busy, and goes on when all is decided", async ({
    expect,
  }) => {
    await using agents = await open();
    const { approvals, turns, instances, owner } = agents;
    const turn = await agents.accept();
    const asked = askedBy(turn, "a1", "a2");
    await agents.save(turn, { pause: { sinceMs: 3 }, approvals: asked });
    expect(await agents.turnReader.find(turn.turnId)).toMatchObject({
      state: { kind: "waiting", sinceMs: 3 },
    });
    expect(await approvals.listOfTurn(turn.turnId)).toEqual(asked);
    const next = await agents.accept({ sessionId: turn.sessionId });
    expect(next.isBegun).toBe(false);
    expect(await agents.claim()).toEqual([]);
    expect(await instances.listRunning(owner.instanceId)).toEqual([]);
    await instances.leave(owner.instanceId);
    const recovered = await turns.recover({ instanceId: owner.instanceId, nowMs: 4 });
    expect(recovered).toEqual({ epoch: undefined, queued: [], over: [] });
    await agents.store.reopen();

    const decide = agents.again();
    const granted = grantApproval(asked[0], BOB, { scope: { kind: "session" }, nowMs: 5 });
    const denied = denyApproval(asked[1], BOB, { nowMs: 5 });
    expect(await decide.approvals.resolve(granted, EVENT)).toEqual({
      kind: "saved",
      isResumed: false,
    });
    expect(await decide.turns.claim({ owner, limit: 9, nowMs: 6 })).toEqual([]);
    expect(await decide.approvals.resolve(denied, EVENT)).toEqual({
      kind: "saved",
      isResumed: true,
    });
    expect(await decide.approvals.resolve(denied, EVENT)).toEqual({ kind: "stale" });
    const claimed = await decide.turns.claim({ owner, limit: 9, nowMs: 6 });
    expect(claimed).toMatchObject([{ turnId: turn.turnId, attempt: 2, headSeq: 1, text: "Hi" }]);
    expect(await decide.audit.list({ action: EVENT.action, limit: 9 })).toHaveLength(2);
  });

  test("is queued once by two who decide on its last two questions at once", async ({ expect }) => {
    await using agents = await open();
    for (let round = 0; round < 5; round++) {
      const turn = await agents.accept();
      const asked = askedBy(turn, nextId(), nextId());
      await agents.save(turn, { pause: { sinceMs: 3 }, approvals: asked });
      const results = await Promise.all(
        asked.map((each) => agents.approvals.resolve(expireApproval(each, 60), EVENT)),
      );
      const resumed = results.filter((result) => result.kind === "saved" && result.isResumed);
      expect(resumed).toHaveLength(1);
      expect(await agents.stateOf(turn.turnId)).toBe("queued");
    }
  });

  test("is queued by its cancellation, and nobody decides any more", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const asked = askedBy(turn, "a1");
    await agents.save(turn, { pause: { sinceMs: 3 }, approvals: asked });
    expect(await agents.turns.cancel(turn.turnId)).toBe(true);
    expect(await agents.turns.cancel(turn.turnId)).toBe(false);
    expect(await agents.approvals.find(asked[0].id)).toMatchObject({
      state: { kind: "expired" },
      revision: 1,
    });
    const late = grantApproval(asked[0], BOB, { scope: { kind: "session" }, nowMs: 5 });
    expect(await agents.approvals.resolve(late, EVENT)).toEqual({ kind: "stale" });
    expect(await agents.claim()).toMatchObject([{ turnId: turn.turnId, isCancelled: true }]);
    await agents.save(turn, { end: { kind: "cancelled", endedAtMs: 5 } });
  });

  test("does not wait where there is nothing to wait for", async ({ expect }) => {
    await using agents = await open();
    const cancelled = await agents.accept();
    expect(await agents.turns.cancel(cancelled.turnId)).toBe(false);
    await agents.save(cancelled, {
      pause: { sinceMs: 3 },
      approvals: askedBy(cancelled, "a1"),
    });
    const [asked] = await agents.approvals.listOfTurn(cancelled.turnId);
    expect(asked).toMatchObject({ state: { kind: "expired" }, revision: 1 });
    const asksNobody = await agents.accept();
    await agents.save(asksNobody, { pause: { sinceMs: 3 } });
    expect(await agents.claim()).toMatchObject([
      { turnId: cancelled.turnId, isCancelled: true },
      { turnId: asksNobody.turnId, isCancelled: false },
    ]);
  });

  test("has no open question left when it ends", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    await agents.save(turn, { pause: { sinceMs: 3 } });
    await agents.claim();
    const other = await agents.accept();
    await agents.save(turn, { approvals: askedBy(turn, "a1") });
    await agents.save(other, { approvals: askedBy(other, "b1"), events: [] });
    await agents.answer(turn);
    const kindOf = async (id: TurnId) => (await agents.approvals.listOfTurn(id))[0]?.state.kind;
    expect(await kindOf(turn.turnId)).toBe("expired");
    expect(await kindOf(other.turnId)).toBe("pending");
  });

  test("may do so as often as it likes: only deaths of its runs are counted", async ({
    expect,
  }) => {
    await using agents = await open();
    const turn = await agents.accept();
    for (let pauses = 0; pauses <= MAX_TURN_ATTEMPTS; pauses++) {
      await agents.save(turn, { pause: { sinceMs: 3 } });
      expect(await agents.claim()).toHaveLength(1);
    }
    const { instanceId } = agents.owner;
    const turnIds = [turn.turnId];
    const { queued } = await agents.turns.recover({ instanceId, turnIds, nowMs: 4 });
    expect(queued).toHaveLength(1);
  });

  test("has its questions looked at again when their time is up", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const [due] = askedBy(turn, "a1");
    const [other] = askedBy(turn, "a2");
    const approvals = [due, { ...other, expiresAtMs: Date.now() + 3_600_000 }];
    await agents.save(turn, { pause: { sinceMs: 3 }, approvals });
    const engine = openJobEngine(agents.store);
    await engine.open([JOB_QUEUES.expireApproval]);
    const jobs = await engine.fetch(JOB_QUEUES.expireApproval, 9);
    expect(jobs.map(({ data }) => data)).toEqual([{ approvalId: "a1" }]);
    await engine.close();
  });

  test("is not paused by a run that lost it, and asks nobody then", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const late = { epoch: agents.owner.epoch - 1, pause: { sinceMs: 3 } };
    const save = agents.save(turn, { ...late, approvals: askedBy(turn, "a1") });
    await expect(save).rejects.toMatchObject({ code: "TURN_FENCED" });
    expect(await agents.approvals.listOfTurn(turn.turnId)).toEqual([]);
    expect(await agents.stateOf(turn.turnId)).toBe("running");
  });

  test("keeps its session from being deleted", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    await agents.save(turn, { pause: { sinceMs: 3 }, approvals: askedBy(turn, "a1") });
    expect(await agents.sessions.delete(turn.sessionId)).toBe("busy");
  });
});

describe.each(STORES)("a steering message %s", (_name, openStore) => {
  const open = () => openAgentStore(openStore);

  test("is seen by the run of its session and joins it", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const { sessionId } = turn;
    const queue = await agents.accept({ sessionId, text: "Later" });
    const gone = await agents.accept({ sessionId, text: "Never", mode: "steer" });
    await agents.turns.cancel(gone.turnId);
    const input = agents.toAccept({
      sessionId,
      text: "And quickly",
      images: [PICTURE],
      mode: "steer",
    });
    const first = await agents.turns.accept(input);
    const { brake, steering } = await agents.controls.read(turn);
    expect(brake).toBe(undefined);
    expect(steering).toEqual([
      {
        turnId: input.turnId,
        sessionId,
        userId: ALICE,
        messageId: input.messageId,
        text: "And quickly",
        acceptedAtMs: 1,
        attempt: 1,
        headSeq: 0,
        contextVersion: { session: 0, user: 0 },
        hasImages: true,
      },
    ]);

    // The run knows the text alone; what is stored keeps the picture.
    const message = { ...messageOf(turn, "user", "And quickly"), id: input.messageId };
    const messages = [{ position: 1, message }];
    await agents.save(turn, { messages, joined: [input.turnId] });
    expect(await agents.turnReader.find(input.turnId)).toMatchObject({
      state: { kind: "completed", endedAtMs: 3 },
      joinedTurnId: turn.turnId,
    });
    expect((await agents.turnReader.listMessages({ id: turn.turnId, sessionId })).at(-1)).toEqual({
      ...message,
      createdAtMs: 2,
      parts: [{ kind: "text", text: "And quickly" }, PICTURE],
    });
    expect((await agents.controls.read(turn)).steering).toEqual([]);
    expect(await agents.turns.accept({ ...input, turnId: parseTurnId(nextId()) })).toEqual({
      ...first,
      duplicate: true,
    });
    await agents.save(turn, { end: { kind: "completed", endedAtMs: 3 } });
    const claimed = await agents.claim();
    expect(claimed.map(({ turnId }) => turnId)).toEqual([queue.turnId]);
  });

  test("that does not wait any more cannot join, and nothing is written", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const { sessionId } = turn;
    const waits = await agents.accept({ sessionId, mode: "steer" });
    const gone = await agents.accept({ sessionId, mode: "steer" });
    await agents.turns.cancel(gone.turnId);
    const messages = [waits, gone].map(({ messageId: id }, at) => {
      return { position: at + 1, message: { ...messageOf(turn, "user", "Hi"), id } };
    });
    const joined = [waits.turnId, gone.turnId];
    const save = agents.save(turn, { messages, joined });
    await expect(save).rejects.toMatchObject({ code: "TURN_JOINED" });
    expect(await agents.stateOf(waits.turnId)).toBe("queued");
    expect(await agents.turnReader.listMessages({ id: turn.turnId, sessionId })).toHaveLength(1);
    expect((await agents.controls.read(turn)).steering).toHaveLength(1);
    expect((await agents.sessions.find(sessionId))?.headSeq).toBe(0);
  });

  test("that joined by a write whose answer was lost fences the same write", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const { sessionId } = turn;
    const { turnId, messageId: id } = await agents.accept({ sessionId, mode: "steer" });
    const said = messageOf(turn, "assistant", "Well");
    const write = {
      messages: [
        { position: 1, message: said },
        { position: 2, message: { ...messageOf(turn, "user", "Hi"), id } },
      ],
      events: [{ seq: 1, event: { kind: "message-joined", messageId: id, text: "Hi" } as const }],
    };
    await agents.save(turn, { ...write, joined: [turnId] });
    for (const joined of [[turnId], []]) {
      const again = agents.save(turn, { ...write, joined });
      await expect(again).rejects.toMatchObject({ code: "TURN_FENCED" });
    }
    expect(await agents.turnReader.listMessages({ id: turn.turnId, sessionId })).toHaveLength(3);
  });

  test("that goes on from elsewhere than the turn that runs does not join it", async ({
    expect,
  }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    const turn = await agents.accept({ sessionId });
    await agents.accept({ sessionId, parentTurnId: first.turnId, mode: "steer" });
    expect((await agents.controls.read(turn)).steering).toEqual([]);
  });

  test("that joins a turn takes along what was to go on from it", async ({ expect }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    const turn = await agents.accept({ sessionId });
    const steering = await agents.accept({ sessionId, mode: "steer" });
    const other = await agents.accept({ sessionId, parentTurnId: first.turnId });
    const after = await agents.accept({ sessionId, parentTurnId: steering.turnId });
    await agents.sessions.useBranch({ sessionId, turnId: steering.turnId });
    const message = { ...messageOf(turn, "user", "Hi"), id: steering.messageId };
    await agents.save(turn, {
      messages: [{ position: 1, message }],
      events: [{ seq: 2, event: { kind: "text-started", messageId: message.id } }],
      joined: [steering.turnId],
    });
    const parentOf = ({ turnId: id }: AcceptedTurn) =>
      agents.turnReader.findParent({ id, sessionId });
    expect(await parentOf(after)).toBe(turn.turnId);
    expect(await parentOf(other)).toBe(first.turnId);
  });

  test("that was in use joins a turn, which is in use then", async ({ expect }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    const turn = await agents.accept({ sessionId });
    const steering = await agents.accept({ sessionId, mode: "steer" });
    await agents.accept({ sessionId, parentTurnId: first.turnId });
    await agents.sessions.useBranch({ sessionId, turnId: steering.turnId });
    const message = { ...messageOf(turn, "user", "Hi"), id: steering.messageId };
    await agents.save(turn, {
      messages: [{ position: 1, message }],
      joined: [steering.turnId],
    });
    const next = await agents.accept({ sessionId });
    const parent = await agents.turnReader.findParent({ id: next.turnId, sessionId });
    expect(parent).toBe(turn.turnId);
  });

  test("that came to an idle session has a turn of its own", async ({ expect }) => {
    await using agents = await open();
    expect(await agents.accept({ mode: "steer" })).toMatchObject({ isBegun: true });
  });

  test("goes with its session, joined or not", async ({ expect }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const { sessionId } = turn;
    const steering = await agents.accept({ sessionId, clientMessageId: "once", mode: "steer" });
    const message = { ...messageOf(turn, "user", "Hi"), id: steering.messageId };
    await agents.save(turn, {
      messages: [{ position: 1, message }],
      joined: [steering.turnId],
      end: { kind: "completed", endedAtMs: 3 },
    });
    expect(await agents.sessions.delete(sessionId)).toBe("deleted");
    expect(await agents.turnReader.find(steering.turnId)).toBe(undefined);
    expect(await agents.accept({ clientMessageId: "once" })).toMatchObject({ duplicate: false });
  });
});

describe.each(STORES)("pictures %s", (_name, openStore) => {
  test("are part of their message, and of what makes it the same", async ({ expect }) => {
    await using agents = await openAgentStore(openStore);
    const input = agents.toAccept({ images: [PICTURE] });
    const first = await agents.turns.accept(input);
    expect(first).toMatchObject({ kind: "accepted", isBegun: true });
    const sessionId = input.session.id;
    const [message] = await agents.sessions.listMessages({ sessionId, limit: 9 });
    expect(message?.parts).toEqual([{ kind: "text", text: "Hi" }, PICTURE]);
    const again = { ...input, turnId: parseTurnId(nextId()) };
    expect(await agents.turns.accept(again)).toMatchObject({ duplicate: true });
    const other = [{ ...PICTURE, data: "R0lGODlh" }];
    for (const images of [other, [], [PICTURE, PICTURE]]) {
      expect(await agents.turns.accept({ ...again, images })).toEqual({ kind: "conflict" });
    }
    const queued = await agents.accept({ sessionId, images: [PICTURE] });
    await agents.answer({ ...input, sessionId });
    expect(await agents.claim()).toMatchObject([{ turnId: queued.turnId, hasImages: true }]);
  });
});

describe.each(STORES)("branches of a session %s", (_name, openStore) => {
  const open = () => openAgentStore(openStore);

  test("are shown, read and gone on from one at a time", async ({ expect }) => {
    await using agents = await open();
    const { sessions, turnReader } = agents;
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    const second = await talk(agents, { sessionId });
    expect(await sessions.listBranches(sessionId)).toEqual([]);

    const retried = await talk(agents, { sessionId, parentTurnId: first.turnId });
    expect(retried.isBranched).toBe(true);
    const shown = () => turnsShown(agents, sessionId);
    expect(await shown()).toEqual([first, retried].map(({ turnId }) => turnId));
    const fork = [second.turnId, retried.turnId];
    expect(await sessions.listBranches(sessionId)).toEqual([
      { turnIds: fork, inUse: retried.turnId },
    ]);
    const followed = await talk(agents, { sessionId });
    expect(followed.isBranched).toBe(undefined);
    expect(await shown()).toEqual([first, retried, followed].map(({ turnId }) => turnId));

    expect(await sessions.useBranch({ sessionId, turnId: second.turnId })).toBe("used");
    expect(await shown()).toEqual([first, second].map(({ turnId }) => turnId));
    expect(await sessions.listBranches(sessionId)).toEqual([
      { turnIds: fork, inUse: second.turnId },
    ]);
    const third = await talk(agents, { sessionId });
    expect(third.isBranched).toBe(true);
    expect(await shown()).toEqual([first, second, third].map(({ turnId }) => turnId));

    // The newest branch through a turn, whichever turn of it is named.
    expect(await sessions.useBranch({ sessionId, turnId: retried.turnId })).toBe("used");
    expect(await shown()).toEqual([first, retried, followed].map(({ turnId }) => turnId));
    expect(await sessions.useBranch({ sessionId, turnId: first.turnId })).toBe("used");
    expect(await shown()).toEqual([first, second, third].map(({ turnId }) => turnId));

    const anew = await talk(agents, { sessionId, parentTurnId: null });
    expect(await shown()).toEqual([anew.turnId]);
    expect(await sessions.listBranches(sessionId)).toEqual([
      { turnIds: [first.turnId, anew.turnId], inUse: anew.turnId },
    ]);
    const parents = [first, second, retried, followed, third, anew].map(({ turnId: id }) =>
      turnReader.findParent({ id, sessionId }),
    );
    expect(await Promise.all(parents)).toEqual([
      null,
      first.turnId,
      first.turnId,
      retried.turnId,
      second.turnId,
      null,
    ]);
    const history = await agents.store.store.reader.call(
      "listHistory",
      sessionId,
      followed.turnId,
      3,
    );
    expect(history.map(({ turnId, role }) => [turnId, role])).toEqual([
      [retried.turnId, "assistant"],
      [followed.turnId, "user"],
      [followed.turnId, "assistant"],
    ]);
  });

  test("are paged back through, turn by turn", async ({ expect }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    await talk(agents, { sessionId });
    const retried = await talk(agents, { sessionId, parentTurnId: first.turnId });
    const last = await talk(agents, { sessionId });
    const found: string[] = [];
    let page = await agents.sessions.listMessages({ sessionId, limit: 1 });
    while (page[0] !== undefined) {
      found.push(`${page[0].turnId} ${page[0].role}`);
      const before = page[0].id;
      page = await agents.sessions.listMessages({ sessionId, limit: 1, before });
    }
    expect(found).toEqual(
      [last, retried, first].flatMap(({ turnId }) => [`${turnId} assistant`, `${turnId} user`]),
    );
  });

  test("begin at a turn of the session only, and not at its last", async ({ expect }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const other = await talk(agents, undefined);
    const { sessionId } = first;
    const foreign = agents.toAccept({ sessionId, parentTurnId: other.turnId });
    expect(await agents.turns.accept(foreign)).toEqual({ kind: "not-found" });
    expect(await agents.sessions.useBranch({ sessionId, turnId: other.turnId })).toBe("not-found");
    const nowhere = { sessionId: parseSessionId("nowhere"), turnId: first.turnId };
    expect(await agents.sessions.useBranch(nowhere)).toBe("not-found");
    const next = await talk(agents, { sessionId, parentTurnId: first.turnId });
    expect(next.isBranched).toBe(undefined);
    // One that is led back and forth again goes on as if nothing had been.
    await talk(agents, { sessionId, parentTurnId: first.turnId });
    await agents.sessions.useBranch({ sessionId, turnId: next.turnId });
    await agents.sessions.useBranch({ sessionId, turnId: await newestTurn(agents, sessionId) });
    expect(await talk(agents, { sessionId })).not.toHaveProperty("isBranched");
  });

  test("go on from one message to the next, also where both come at once", async ({ expect }) => {
    await using agents = await open();
    const { turns, sessions, turnReader } = agents;
    for (let round = 0; round < 8; round++) {
      const first = await talk(agents, undefined);
      const { sessionId } = first;
      await talk(agents, { sessionId });
      await talk(agents, { sessionId, parentTurnId: first.turnId });
      const led = (await turnReader.list({ sessionId, limit: 2 })).at(-1)?.id ?? expect.fail();
      expect(await sessions.useBranch({ sessionId, turnId: led })).toBe("used");
      const inputs = [agents.toAccept({ sessionId }), agents.toAccept({ sessionId })];
      const results = await Promise.all(inputs.map((input) => turns.accept(input)));
      const taken = inputs.filter((_, at) => results[at]?.kind === "accepted");
      const parents = taken.map(({ turnId: id }) => turnReader.findParent({ id, sessionId }));
      // The later one may come first: then the other one is asked for a new id.
      const both = [led, inputs[0]?.turnId].slice(0, taken.length);
      expect(await Promise.all(parents)).toEqual(both);
    }
  });

  test("tell a run that waits in the queue", async ({ expect }) => {
    await using agents = await open();
    const first = await talk(agents, undefined);
    const { sessionId } = first;
    const running = await agents.accept({ sessionId });
    const queued = await agents.accept({ sessionId, parentTurnId: first.turnId });
    expect(queued).toMatchObject({ isBegun: false, isBranched: true });
    // By the time it runs there may be more.
    expect(queued).not.toHaveProperty("contextVersion");
    expect(queued).not.toHaveProperty("hasOnlyMessages");
    await agents.answer(running);
    const { turnId } = queued;
    const contextVersion = { session: 1, user: 0 };
    expect(await agents.claim()).toMatchObject([{ turnId, isBranched: true, contextVersion }]);
  });
});

describe.each(STORES)("what a session has %s", (_name, openStore) => {
  const open = () => openAgentStore(openStore);

  test("is its model, what it came into touch with first, and what it spent", async ({
    expect,
  }) => {
    await using agents = await open();
    const { sessions } = agents;
    const first = await agents.accept();
    const { sessionId } = first;
    expect(await sessions.find(sessionId)).toMatchObject({ taint: {}, spend: { steps: 0 } });
    expect(await sessions.setModel(sessionId, "openai/gpt")).toBe("set");
    expect(await sessions.setModel(parseSessionId("nowhere"), "x/y")).toBe("not-found");
    await agents.save(first, { taint: { untrusted: "tool web.fetch" } });
    await agents.save(first, { taint: { untrusted: "tool mail.read", private: "memory notes" } });
    await agents.save(first, { events: [], taint: { private: "tool kv.get" } });
    await agents.answer(first, { modelCalls: [modelCallOf(first)], ranMs: 40 });
    const taint = { untrusted: "tool web.fetch", private: "memory notes" };
    const spend = { steps: 1, tokens: 15, costNanoUsd: 7, wallMs: 40 };
    const model = "openai/gpt";
    expect(await sessions.find(sessionId)).toMatchObject({ model, taint, spend });
    const [listed] = await sessions.list({ userId: ALICE, limit: 1 });
    expect(listed).toMatchObject({ model, taint, spend });

    const session = { model, taint };
    const second = await agents.accept({ sessionId });
    expect(second.session).toEqual(session);
    const queued = await agents.accept({ sessionId });
    const own = await agents.accept({ sessionId, model: "ollama/llama" });
    expect(own.session).toEqual({ ...session, model: "ollama/llama" });
    await agents.answer(second);
    expect(await agents.claim()).toMatchObject([{ turnId: queued.turnId, session }]);
    await agents.answer(queued);
    await sessions.setModel(sessionId, undefined);
    expect(await agents.claim()).toMatchObject([{ session: { model: "ollama/llama", taint } }]);
    expect(await sessions.find(sessionId)).not.toHaveProperty("model");
  });

  test("grows by what a run may have taken since its last save when it is recovered", async ({
    expect,
  }) => {
    await using agents = await open();
    const { turns, owner } = agents;
    const lost = await agents.accept();
    const other = await agents.accept();
    await agents.save(lost, { ranMs: 40 });
    await agents.save(lost, { events: [], ranMs: 47, nowMs: DAY_MS });
    const ids = { ...owner, turnIds: [lost.turnId], nowMs: DAY_MS };
    const read = async ({ turnId, sessionId }: typeof lost, day = "1970-01-02") => {
      const spent = await agents.spend.read({ turnId, sessionId, userId: ALICE, day });
      return Object.values(spent).map(({ wallMs }) => wallMs);
    };
    const most = UNSAVED_TIME_MOST_MS;
    await turns.recover(ids);
    expect(await read(lost)).toEqual([47 + most, 47 + most, 7 + most, 7 + most]);
    expect(await read(lost, "1970-01-01")).toEqual([47 + most, 47 + most, 40, 40]);
    expect(await read(other)).toEqual([0, 0, 7 + most, 7 + most]);
    // What is queued has not run: nothing is added to it.
    await turns.recover(ids);
    for (let deaths = 1; deaths < MAX_TURN_ATTEMPTS; deaths += 1) {
      expect(await agents.claim()).toMatchObject([{ ranMs: 47 + deaths * most }]);
      await turns.recover(ids);
    }
    expect(await agents.stateOf(lost.turnId)).toBe("failed");
    const all = MAX_TURN_ATTEMPTS * most;
    expect(await read(lost)).toEqual([47 + all, 47 + all, 7 + all, 7 + all]);
  });

  test("has the time of a write once that was made twice, since its answer was lost", async ({
    expect,
  }) => {
    await using agents = await open();
    const turn = await agents.accept();
    const { sessionId, turnId } = turn;
    const read = async () => {
      const of = { turnId, sessionId, userId: ALICE, day: "1970-01-01" };
      return Object.values(await agents.spend.read(of)).map(({ wallMs }) => wallMs);
    };
    const alone = { events: [], ranMs: 40 };
    for (let tries = 0; tries < 2; tries += 1) await agents.save(turn, alone);
    expect(await read()).toEqual([40, 40, 40, 40]);
    // One that comes late takes nothing back.
    await agents.save(turn, { events: [], ranMs: 30 });
    // No batch makes the first of these two, so they are under way at the same time.
    const background = [parseTaskId("none")];
    for (const ranMs of [41, 42, 43, 44, 45]) {
      const later = { events: [], ranMs };
      await Promise.all([agents.save(turn, { ...later, background }), agents.save(turn, later)]);
      expect(await read()).toEqual([ranMs, ranMs, ranMs, ranMs]);
    }
    await agents.answer(turn, { ranMs: 52 });
    expect(await read()).toEqual([52, 52, 52, 52]);
    const next = await agents.accept({ sessionId });
    await agents.save(next, { ranMs: 9, pause: { sinceMs: 3 } });
    expect(await read()).toEqual([52, 61, 61, 61]);
    expect(await agents.claim()).toMatchObject([{ turnId: next.turnId, ranMs: 9 }]);
  });

  test("is counted for each where many turns are written at once", async ({ expect }) => {
    await using agents = await open();
    const turns = await Promise.all(Array.from({ length: 24 }, () => agents.accept()));
    await Promise.all(
      turns.map((turn, at) =>
        agents.save(turn, {
          ...(at % 2 === 0 && { modelCalls: [modelCallOf(turn), modelCallOf(turn)] }),
          ...(at % 3 === 0 && { ranMs: at + 1 }),
          ...(at % 4 === 0 && { end: { kind: "completed", endedAtMs: 3 } }),
          ...(at % 5 === 0 && { events: [] }),
          ...(at % 6 === 0 && { taint: { private: `of ${at}` } }),
        }),
      ),
    );
    for (const [at, { sessionId, turnId }] of turns.entries()) {
      const calls = at % 2 === 0 ? 2 : 0;
      const spend = { steps: calls, tokens: 15 * calls, costNanoUsd: 7 * calls };
      const wallMs = at % 3 === 0 ? at + 1 : 0;
      expect(await agents.sessions.find(sessionId), `${at}`).toMatchObject({
        headSeq: at % 5 === 0 ? 0 : 1,
        spend: { ...spend, wallMs },
        taint: at % 6 === 0 ? { private: `of ${at}` } : {},
      });
      expect(await agents.stateOf(turnId)).toBe(at % 4 === 0 ? "completed" : "running");
      const read = { turnId, sessionId, userId: ALICE, day: "1970-01-01" };
      const spent = await agents.spend.read(read);
      expect(spent.turn).toEqual({ ...spend, wallMs });
      expect(spent.user).toEqual({ steps: 24, tokens: 360, costNanoUsd: 168, wallMs: 92 });
      expect(spent.day).toEqual(spent.user);
    }
  });

  test("may come from elsewhere, once", async ({ expect }) => {
    await using agents = await open();
    const turn = { turnId: parseTurnId(nextId()), sessionId: parseSessionId(nextId()) };
    const messages = [messageOf(turn, "user", "One?"), messageOf(turn, "assistant", "Two.")];
    const input = { ...turn, userId: ALICE, messages, title: "Brought along", nowMs: 5 };
    expect(await agents.turns.importTurn(input)).toBe("imported");
    expect(await agents.turns.importTurn(input)).toBe("was-imported");
    const { sessionId } = turn;
    const stored = await agents.sessions.readConversation({ sessionId, limit: 9 });
    expect(stored).toMatchObject({
      session: { title: "Brought along", userId: ALICE, headSeq: 1 },
      messages,
      turns: [{ id: turn.turnId, state: "completed" }],
    });
    // Whoever follows it from its beginning is given all of it, not a part of its log.
    for (const after of [0, 2]) {
      const read = await agents.sessions.readEvents({ sessionId, after, limit: 9 });
      expect(read).toEqual({ kind: "unknown-position", headSeq: 1, headEpoch: 0 });
    }
    const next = await agents.accept({ sessionId });
    expect(next).toMatchObject({ isBegun: true, seq: 1 });
    expect(next).not.toHaveProperty("session");
    const nothing = { ...input, turnId: parseTurnId(nextId()), messages: [] };
    await expect(agents.turns.importTurn(nothing)).rejects.toThrow(/expected at least one/u);
  });

  test("that comes from elsewhere may have come into touch with something", async ({ expect }) => {
    await using agents = await open();
    const turn = { turnId: parseTurnId(nextId()), sessionId: parseSessionId(nextId()) };
    const messages = [messageOf(turn, "user", "One?")];
    const taint = { untrusted: "elsewhere", private: "elsewhere" };
    const about = { userId: ALICE, messages, taint, title: "Brought along", nowMs: 5 };
    await agents.turns.importTurn({ ...turn, ...about });
    const { sessionId } = turn;
    expect(await agents.sessions.find(sessionId)).toMatchObject({ taint });
    expect(await agents.accept({ sessionId })).toMatchObject({ session: { taint } });
  });
});

/** A message and its answer, or, without a session, a new one's. */
async function talk(
  agents: AgentStore,
  about: { sessionId: AcceptedTurn["sessionId"]; parentTurnId?: TurnId | null } | undefined,
) {
  const turn = await agents.accept(about ?? {});
  await agents.answer(turn);
  return turn;
}

async function turnsShown(agents: AgentStore, sessionId: AcceptedTurn["sessionId"]) {
  const listed = await agents.sessions.listMessages({ sessionId, limit: 99 });
  const read = await agents.sessions.readConversation({ sessionId, limit: 99 });
  if (JSON.stringify(read?.messages) !== JSON.stringify(listed)) throw new Error("They differ");
  return [...new Set(listed.map(({ turnId }) => turnId))];
}

async function newestTurn(agents: AgentStore, sessionId: AcceptedTurn["sessionId"]) {
  const [turn] = await agents.turnReader.list({ sessionId, limit: 1 });
  if (turn === undefined) throw new Error("There is no turn");
  return turn.id;
}

function askedBy<const Ids extends readonly string[]>(turn: AcceptedTurn, ...names: Ids) {
  const { turnId, sessionId } = turn;
  return names.map((id) => approvalOf(id, { turnId, sessionId })) as unknown as {
    readonly [Each in keyof Ids]: ReturnType<typeof approvalOf>;
  };
}
