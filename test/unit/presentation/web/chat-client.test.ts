import { afterEach, describe, test } from "vitest";
import type { OpenTurns } from "../../../../src/presentation/web/api.ts";
import { ChatClient, type ClientNotice } from "../../../../src/presentation/web/chat-client.ts";
import {
  answerOf,
  type Branch,
  findFork,
  shownTurns,
} from "../../../../src/presentation/web/conversation.ts";
import type { ApprovalCard, RunEvent } from "../../../../src/presentation/web/protocol.ts";
import { openWebSocket } from "../../../../src/presentation/web/web-socket.ts";
import { createMemoryStorage } from "./memory-storage.ts";
import { ProtocolServer } from "./protocol-server.ts";
import { createWaiter } from "./waiter.ts";

const opened: ChatClient[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

function openClient(server: ProtocolServer, storage = createMemoryStorage(), userId = "u1") {
  const notices: ClientNotice[] = [];
  const waiter = createWaiter();
  const openTurns: OpenTurns = { messages: [], turns: [], approvals: [], taint: undefined };
  const options: { openTurns: OpenTurns; branch: Branch | undefined } = {
    openTurns,
    branch: undefined,
  };
  const client = new ChatClient({
    userId,
    storage,
    newId: () => crypto.randomUUID(),
    nowMs: () => performance.now(),
    openSocket: (listener) => openWebSocket(server.url, listener),
    readBranch: async () => options.branch,
    listOpenTurns: async () => options.openTurns,
    timing: { firstPauseMs: 10, maxPauseMs: 20 },
    onNotice: (notice) => {
      notices.push(notice);
      waiter.notify();
    },
  });
  opened.push(client);
  client.start();
  const accepted = () => notices.filter(({ kind }) => kind === "message-accepted");
  return { client, storage, notices, accepted, options, until: waiter.until };
}

const CARD: ApprovalCard = {
  approvalId: "ap1",
  toolCallId: "c1",
  tool: "mail.send",
  input: {},
  inputHash: "0".repeat(64),
  effects: ["external"],
  reaches: [],
  rule: "",
  reason: "",
  expiresAtMs: 9,
};
const ONCE = { kind: "grant", scope: { kind: "once" } } as const;
const word = (delta: string): RunEvent => ({ type: "TEXT_MESSAGE_CONTENT", messageId: "a", delta });

describe("ChatClient", () => {
  test("sends what was written while there was no connection, in order and once", async ({
    expect,
  }) => {
    await using server = await ProtocolServer.open();
    const { client, accepted, until, storage } = openClient(server);
    const target = { kind: "session", sessionId: "s1" } as const;
    for (const text of ["one", "two", "three"]) client.send(text, target);
    await until(() => accepted().length === 3);
    expect(server.listReceived("send").map(({ text }) => text)).toEqual(["one", "two", "three"]);
    expect(storage.length).toBe(0);
    expect(client.outgoing).toEqual([]);
  });

  test("makes one session of a draft, whatever is written before it exists", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, accepted, until } = openClient(server);
    const { target } = client.send("first");
    client.send("second", target);
    await until(() => accepted().length === 2);
    expect(server.listReceived("send").map(({ sessionId }) => sessionId)).toEqual([
      undefined,
      "s1",
    ]);
  });

  test("sends again with the same id when the line breaks before the answer", async ({
    expect,
  }) => {
    await using server = await ProtocolServer.open();
    const { client, accepted, until } = openClient(server);
    let breaks = 3;
    server.intercept = (frame) => (frame.type === "send" && breaks > 0 ? [] : undefined);
    server.onReceived = ({ type }) => {
      if (type === "send" && breaks-- > 0) server.breakLines();
    };
    const { clientMessageId } = client.send("hello");
    await until(() => accepted().length === 1);
    const ids = new Set(server.listReceived("send").map((frame) => frame.clientMessageId));
    expect([...ids]).toEqual([clientMessageId]);
    expect(server.listReceived("send").length).toBe(4);
  });

  test("sends after a reload what was not accepted before it", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = (frame) => (frame.type === "send" ? [] : undefined);
    const first = openClient(server);
    const { clientMessageId } = first.client.send("kept");
    await first.until(() => first.client.outgoing[0]?.state.kind === "sent");
    first.client.close();
    server.intercept = () => undefined;
    const second = openClient(server, first.storage);
    expect(second.client.outgoing.map(({ text }) => text)).toEqual(["kept"]);
    await second.until(() => second.accepted().length === 1);
    expect(server.listReceived("send").at(-1)?.clientMessageId).toBe(clientMessageId);
  });

  test("leaves alone what another user wrote in this browser", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = (frame) => (frame.type === "send" ? [] : undefined);
    const first = openClient(server);
    first.client.send("private");
    first.client.close();
    const other = openClient(server, first.storage, "u2");
    expect(other.client.outgoing).toEqual([]);
    expect(first.storage.length).toBe(1);
  });

  test("waits and tries again when the server is too busy", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    let refusals = 2;
    server.intercept = (frame) => {
      if (frame.type !== "send" || refusals-- <= 0) return undefined;
      const ref = frame.clientMessageId;
      return [{ type: "error", code: "overloaded", message: "Busy", retryAfterMs: 5, ref }];
    };
    const { client, accepted, until } = openClient(server);
    client.send("patience");
    await until(() => client.outgoing[0]?.state.kind === "delayed");
    await until(() => accepted().length === 1);
    expect(server.listReceived("send").length).toBe(3);
  });

  test("keeps a refused message with its reason until it is discarded", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = (frame) =>
      frame.type === "send" && frame.text === "bad"
        ? [{ type: "error", code: "conflict", message: "Used", ref: frame.clientMessageId }]
        : undefined;
    const { client, accepted, until } = openClient(server);
    const target = { kind: "session", sessionId: "s1" } as const;
    const { clientMessageId } = client.send("bad", target);
    client.send("good", target);
    await until(() => client.outgoing[0]?.state.kind === "refused");
    expect(client.outgoing[0]?.state).toMatchObject({ code: "conflict", message: "Used" });
    client.discard(clientMessageId);
    await until(() => accepted().length === 1);
    expect(client.outgoing).toEqual([]);
  });

  test("resumes in mid-answer: the text is whole, however often the line breaks", async ({
    expect,
  }) => {
    await using server = await ProtocolServer.open();
    const { client, until } = openClient(server);
    const words = Array.from({ length: 60 }, (_, index) => `w${index} `);
    const said = () => client.findConversation("s1")?.turns.map(answerOf).join("") ?? "";
    const unsaid = [...words];
    server.publish("s1", "t1", { type: "RUN_STARTED" });
    server.onReceived = ({ type }) => {
      if (type !== "subscribe") return;
      for (const delta of unsaid.splice(0, 7)) server.publish("s1", "t1", word(delta));
      if (unsaid.length > 0) server.breakLines();
    };
    client.open("s1");
    await until(() => said().endsWith("w59 "));
    expect(said()).toBe(words.join(""));
    const subscriptions = server.listReceived("subscribe");
    expect(subscriptions[0]).toEqual({ type: "subscribe", sessionId: "s1", after: 0 });
    expect(subscriptions.at(-1)).toMatchObject({ epoch: 1 });
  });

  test("asks for what it lacks when frames are missing", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, until } = openClient(server);
    client.open("s1");
    server.publish("s1", "t1", word("a"));
    await until(() => client.findConversation("s1")?.seq === 1);
    const resubscribed = Promise.withResolvers<void>();
    server.onReceived = ({ type }) => type === "subscribe" && resubscribed.resolve();
    server.publish("s2", "t9", word("not followed"));
    server.sendRaw("s1", {
      type: "event",
      sessionId: "s1",
      turnId: "t1",
      epoch: 1,
      seq: 5,
      event: word("e"),
    });
    await resubscribed.promise;
    expect(server.listReceived("subscribe").at(-1)).toMatchObject({ after: 1, epoch: 1 });
    expect(client.findConversation("s2")).toBeUndefined();
  });

  test("shows queued turns that no event has told of, after a reload", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, options, until } = openClient(server);
    options.openTurns = {
      messages: [{ id: "m7", role: "user", content: "later", turnId: "t7" }],
      turns: [{ id: "t7", state: "queued" }],
      approvals: [],
      taint: undefined,
    };
    client.open("s1");
    await until(() => client.findConversation("s1")?.queued.length === 1);
    expect(client.findConversation("s1")?.queued[0]).toEqual({
      turnId: "t7",
      message: { id: "m7", text: "later" },
    });
  });

  test("says what people decide, and tells how that went", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, until } = openClient(server);
    client.decide(CARD, ONCE);
    expect(client.findVerdict("ap1")).toMatchObject({ kind: "refused" });
    client.open("s1");
    await until(() => client.connectionState.kind === "online");
    client.decide(CARD, ONCE);
    await until(() => client.findVerdict("ap1")?.kind === "heard");
    const { approvalId, inputHash } = CARD;
    expect(server.listReceived("decide")).toEqual([
      { type: "decide", approvalId, inputHash, decision: ONCE },
    ]);
    server.intercept = ({ type }) =>
      type === "decide"
        ? [{ type: "error", code: "approval-closed", message: "It is denied already", ref: "ap1" }]
        : undefined;
    client.decide(CARD, ONCE);
    await until(() => client.findVerdict("ap1")?.kind === "refused");
    expect(client.findVerdict("ap1")).toEqual({ kind: "refused", message: "It is denied already" });
  });

  test("a decision that was under way when the line broke counts as not sent", async ({
    expect,
  }) => {
    await using server = await ProtocolServer.open();
    const { client, until } = openClient(server);
    server.intercept = ({ type }) => (type === "decide" ? [] : undefined);
    await until(() => client.connectionState.kind === "online");
    client.decide(CARD, ONCE);
    expect(client.findVerdict("ap1")).toEqual({ kind: "sending" });
    server.closeLines(1012);
    await until(() => client.findVerdict("ap1")?.kind === "refused");
  });

  test("shows what a turn waits for that no event has told of, and what the session holds", async ({
    expect,
  }) => {
    await using server = await ProtocolServer.open();
    const { client, options, until } = openClient(server);
    options.openTurns = {
      messages: [],
      turns: [{ id: "t1", state: "waiting" }],
      approvals: [{ turnId: "t1", card: CARD }],
      taint: { private: "memory notes" },
    };
    const messages = [{ id: "m1", role: "user", content: "send it", turnId: "t1" }] as const;
    server.publish("s1", "t1", { type: "MESSAGES_SNAPSHOT", messages });
    client.open("s1");
    await until(() => client.findConversation("s1")?.turns[0]?.state.kind === "waiting");
    expect(client.findConversation("s1")).toMatchObject({
      taint: { private: "memory notes" },
      turns: [{ parts: [{ kind: "approval", card: CARD }] }],
    });
  });

  test("shows the branch in use, and learns of branches that others begin", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, options, until } = openClient(server);
    server.publish("s1", "t1", { type: "RUN_STARTED" });
    server.publish("s1", "t1", { type: "RUN_FINISHED", outcome: { type: "success" } });
    client.open("s1");
    await until(() => client.findConversation("s1")?.turns.length === 1);
    const fork = { turnIds: ["t1", "t2"], inUse: "t2" };
    options.branch = { forks: [fork], hidden: new Set(["t1"]) };
    server.publish("s1", "t2", { type: "RUN_STARTED" });
    await until(() => client.findConversation("s1")?.branch !== undefined);
    const conversation = client.findConversation("s1") ?? { turns: [] };
    if (!("seq" in conversation)) throw new Error("Expected the conversation");
    expect(shownTurns(conversation).map(({ turnId }) => turnId)).toEqual(["t2"]);
    expect(findFork(conversation, "t2")).toEqual(fork);
    options.branch = { forks: [{ ...fork, inUse: "t1" }], hidden: new Set(["t2"]) };
    await client.reload("s1");
    await until(() => {
      const known = client.findConversation("s1");
      return known?.branch !== undefined && shownTurns(known).at(0)?.turnId === "t1";
    });
  });

  test("sends what is to become of a message where a turn is under way", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, accepted, until } = openClient(server);
    const target = { kind: "session", sessionId: "s1" } as const;
    client.send("one", target);
    client.send("two", target, "steer");
    await until(() => accepted().length === 2);
    expect(server.listReceived("send").map(({ mode }) => mode)).toEqual([undefined, "steer"]);
    expect(client.findConversation("s1")?.queued.map(({ mode }) => mode)).toEqual([
      undefined,
      "steer",
    ]);
  });

  test("stops the turn that runs", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { client, until } = openClient(server);
    client.open("s1");
    server.publish("s1", "t1", { type: "RUN_STARTED" });
    await until(() => client.findConversation("s1")?.turns.length === 1);
    expect(client.cancel("s1")).toBe(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.onReceived = ({ type }) => type === "cancel" && resolve();
    if (server.listReceived("cancel").length === 0) await promise;
    expect(server.listReceived("cancel")).toEqual([{ type: "cancel", turnId: "t1" }]);
    server.publish("s1", "t1", { type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    await until(() => client.findConversation("s1")?.turns[0]?.state.kind === "cancelled");
    expect(client.cancel("s1")).toBe(false);
  });

  test("tells of a session that is not there", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = (frame) =>
      frame.type === "subscribe"
        ? [{ type: "error", code: "not-found", message: "No", ref: frame.sessionId }]
        : undefined;
    const { client, notices, until } = openClient(server);
    client.open("gone");
    await until(() => notices.some(({ kind }) => kind === "session-missing"));
    expect(client.findConversation("gone")).toBeUndefined();
  });
});
