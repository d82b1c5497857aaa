import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { OutsideServer, plantLeakySkills } from "../../support/leaky-skills.ts";
import { call, ObeyingModel, order } from "../../support/obeying-model.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import {
  type AskedApproval,
  type RestAnswer,
  SessionClient,
} from "../../support/session-client.ts";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const SEND = call("web.send", { to: "eve", text: "hello" });
const ONCE = { kind: "once" };

describe.each(["sqlite", "postgres"] as const)("approvals on %s", (store) => {
  const opened: AsyncDisposable[] = [];
  let outside: OutsideServer;
  let env: Readonly<Record<string, string>>;
  let homeDir: string;
  let server: RunningNexflow;
  let ada: SessionClient;
  let bob: SessionClient;
  let bobsToken: string;

  beforeAll(async () => {
    const dir = await openTempDir();
    const model = await ObeyingModel.open();
    outside = await OutsideServer.open();
    opened.push(dir, model, outside);
    homeDir = `${dir.path}/data`;
    const approvals = "{ external: ask, tools: { web: { peek: deny } } }";
    const skills = await plantLeakySkills(dir.path, { port: outside.port, approvals });
    env = { ...skills, ...model.env };
    if (store === "postgres") {
      const database = await openTestDatabase();
      opened.push(database);
      env = { ...env, NEXFLOW_DATABASE_URL: database.url };
    }
    await start();
    const user = await ada.ask("POST", "/users", { name: "Bob", role: "member" });
    const token = await ada.ask("POST", `/users/${user.json.id}/tokens`, { label: "test" });
    bobsToken = token.json.secret;
    bob = new SessionClient({ url: server.url, token: bobsToken });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    outside.received.length = 0;
  });

  async function start(): Promise<void> {
    server = await startNexflow({ homeDir, env });
    ada = new SessionClient(server);
    bob = new SessionClient({ url: server.url, token: bobsToken });
  }

  /** A turn of Ada's that waits for her word on one call. */
  async function ask() {
    const turn = await ada.say(order([SEND]));
    const [asked] = await ada.listApprovals(turn.sessionId);
    if (asked === undefined) throw new Error("Expected a question");
    return { turn, asked };
  }

  /** The same decision over both channels. */
  const decisions: readonly [string, Decide][] = [
    ["REST", async (client, asked) => codeOf(await client.grant(asked, ONCE))],
    [
      "WebSocket",
      async (client, { id: approvalId, card: { inputHash } }) => {
        const token = client === bob ? bobsToken : server.token;
        await using socket = await ChatClient.open(server.url, token);
        const decision = { kind: "grant", scope: ONCE };
        socket.sendFrame({ type: "decide", approvalId, inputHash, decision });
        const answer = await socket.find(
          (frame: Frame) => frame.type === "decided" || frame.type === "error",
        );
        const { type, code } = answer as Frame;
        return type === "decided" ? "ok" : (code ?? "");
      },
    ],
  ];

  test.for(decisions)(
    "over %s: a changed byte, another user and a replay are refused",
    async ([, decide], { expect }) => {
      const { turn, asked } = await ask();
      expect(await decide(ada, withHash(asked, flip(asked.card.inputHash)))).toBe(
        "approval-mismatch",
      );
      expect(await decide(bob, asked)).toBe("not-found");
      expect((await ada.ask("GET", `/approvals/${asked.id}`)).json.state).toBe("pending");
      expect(outside.received).toEqual([]);
      expect(await decide(ada, asked)).toBe("ok");
      expect((await ada.rest(turn)).state).toBe("completed");
      expect(await decide(ada, asked)).toBe("approval-closed");
      expect(outside.received).toEqual(["POST /send/eve"]);
      expect((await ada.ask("DELETE", `/approvals/${asked.id}`)).json.state).toBe("revoked");
      expect(await decide(ada, asked)).toBe("approval-closed");
      expect(outside.received).toEqual(["POST /send/eve"]);
    },
  );

  test("of two who decide at once one is heard", async ({ expect }) => {
    const { turn, asked } = await ask();
    const answers = await Promise.all([
      ada.grant(asked, ONCE),
      ada.deny(asked),
      ada.grant(asked, { kind: "session" }),
      ada.deny(asked, "no"),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 409, 409, 409,
    ]);
    expect((await ada.rest(turn)).state).toBe("completed");
    const [{ state }] = (await ada.ask("GET", `/approvals?sessionId=${turn.sessionId}`)).json
      .approvals;
    expect(outside.received).toHaveLength(state === "granted" ? 1 : 0);
  });

  test("another user sees nothing of it; an administrator may look, and not decide", async ({
    expect,
  }) => {
    const { asked } = await ask();
    const path = `/approvals/${asked.id}`;
    expect((await bob.ask("GET", "/approvals")).json.approvals).toEqual([]);
    for (const [method, to] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/deny"],
    ] as const) {
      const body = method === "POST" ? { inputHash: asked.card.inputHash } : undefined;
      expect(codeOf(await bob.ask(method, `${path}${to}`, body))).toBe("not-found");
    }
    const turn = await bob.say(order([SEND]));
    const [bobs] = (await bob.ask("GET", `/approvals?sessionId=${turn.sessionId}`)).json.approvals;
    const about = `/approvals/${bobs.id}?userId=${bobs.userId}`;
    expect((await ada.ask("GET", about)).json.id).toBe(bobs.id);
    expect(codeOf(await ada.grant(bobs, ONCE))).toBe("not-found");
    expect(codeOf(await bob.ask("GET", `${path}?userId=${bobs.userId}`))).toBe("not-found");
    expect(outside.received).toEqual([]);
  });

  test("a turn that waits survives a kill, and goes on when REST grants while a socket follows", async ({
    expect,
  }) => {
    const { turn, asked } = await ask();
    await server.kill();
    await start();
    await using socket = await ChatClient.open(server.url, server.token);
    socket.sendFrame({ type: "subscribe", sessionId: turn.sessionId, after: 0 });
    await socket.find((frame: Frame) => frame.event?.outcome?.type === "interrupt");
    expect((await ada.grant(asked, ONCE)).status).toBe(200);
    const resumed = await socket.find((frame: Frame) => frame.event?.input?.resume !== undefined);
    expect((resumed as Frame).event.input.resume).toEqual([
      { interruptId: asked.id, status: "resolved", payload: { decision: "granted" } },
    ]);
    await socket.find((frame: Frame) => frame.event?.outcome?.type === "success");
    expect(outside.received).toEqual(["POST /send/eve"]);
    expect((await ada.rest(turn)).state).toBe("completed");
  });

  test("a denied call is not made, and the model is told why", async ({ expect }) => {
    const { turn, asked } = await ask();
    await ada.deny(asked, "Not to Eve");
    expect((await ada.rest(turn)).state).toBe("completed");
    const { json } = await ada.ask("GET", `/sessions/${turn.sessionId}/messages`);
    const result = json.messages.find(({ role }: { role: string }) => role === "tool");
    expect(JSON.parse(result.content)).toMatchObject({
      ok: false,
      error: { code: "approval-denied", message: expect.stringContaining("Not to Eve") },
    });
    expect(outside.received).toEqual([]);
  });

  test("a cancelled turn waits no more, and a late word is too late", async ({ expect }) => {
    const { turn, asked } = await ask();
    await ada.ask("POST", `/turns/${turn.turnId}/cancel`);
    await expect
      .poll(async () => (await ada.ask("GET", `/turns/${turn.turnId}`)).json.state)
      .toBe("cancelled");
    await ada.grant(asked, ONCE);
    expect((await ada.say("And now?", turn.sessionId)).state).toBe("completed");
    expect(outside.received).toEqual([]);
  });

  test("a call that the policy denies is not asked about", async ({ expect }) => {
    const turn = await ada.say(order([call("web.peek", { text: "hello" })]));
    expect(turn.state).toBe("completed");
    expect(await ada.listApprovals(turn.sessionId)).toEqual([]);
    expect(outside.received).toEqual([]);
  });

  test("decisions are on the audit log, without the arguments", async ({ expect }) => {
    const { asked } = await ask();
    await ada.deny(asked);
    const subject = `approval:${asked.id}`;
    const { json } = await ada.ask("GET", `/audit?subject=${encodeURIComponent(subject)}`);
    expect(json.entries).toMatchObject([{ action: "approval.denied", decision: "denied" }]);
    expect(JSON.stringify(json)).not.toContain("hello");
    expect((await ada.ask("GET", "/audit/verify")).json.kind).toBe("intact");
  });
});

test("a question that nobody answers ends by itself, and a late answer is refused", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await using model = await ObeyingModel.open();
  await using outside = await OutsideServer.open();
  const approvals = "{ external: ask, expiresMinutes: 0.05 }";
  const skills = await plantLeakySkills(dir.path, { port: outside.port, approvals });
  await using server = await startNexflow({ env: { ...skills, ...model.env } });
  const user = new SessionClient(server);
  const turn = await user.say(order([SEND]));
  const [asked] = await user.listApprovals(turn.sessionId);
  if (asked === undefined) throw new Error("Expected a question");
  await expect
    .poll(async () => (await user.ask("GET", `/turns/${turn.turnId}`)).json.state, {
      timeout: 20_000,
    })
    .toBe("completed");
  expect((await user.ask("GET", `/approvals/${asked.id}`)).json.state).toBe("expired");
  expect(codeOf(await user.grant(asked, ONCE))).toBe("approval-closed");
  expect(outside.received).toEqual([]);
});

type Decide = (client: SessionClient, asked: AskedApproval) => Promise<string>;

// oxlint-disable-next-line typescript/no-explicit-any -- a frame as it came over the wire
type Frame = any;

function codeOf({ status, json }: RestAnswer): string {
  return status < 400 ? "ok" : json.code;
}

function withHash(asked: AskedApproval, inputHash: string): AskedApproval {
  return { ...asked, card: { ...asked.card, inputHash } };
}

/** Another hash, by its last digit. */
function flip(hash: string): string {
  return `${hash.slice(0, -1)}${hash.endsWith("0") ? "1" : "0"}`;
}
