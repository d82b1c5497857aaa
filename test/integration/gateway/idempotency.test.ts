import { describe } from "vitest";
import { parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import { call, message } from "../../support/call-api.ts";
import { OTHER_TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import { gatewayTest as test } from "../../support/gateway-client.ts";

const SCHEDULE = {
  name: "Tick",
  when: { kind: "every", everyMs: 60_000 },
  action: { kind: "message", text: "tick" },
};
const KEYED = ["/api/v1/messages", "/api/v1/sessions/s1/messages", "/api/v1/schedules"];

describe("a message's Idempotency-Key", () => {
  test.for(KEYED)("is asked for: %s", async (path, { expect, server }) => {
    const body = path.endsWith("schedules") ? SCHEDULE : { text: "hi" };
    const { json } = await call(server, path, { method: "POST", body });
    expect(json).toMatchObject({ status: 400, code: "idempotency-key-missing" });
    for (const key of ["a b", "ä", "x".repeat(65), '"a', '""']) {
      const headers = { "idempotency-key": encodeURI(key) };
      const bad = await call(server, path, { method: "POST", body, headers });
      if (!/^[\w-]{1,64}$/u.test(encodeURI(key))) {
        expect(bad.json, key).toMatchObject({ status: 400, code: "bad-frame" });
      }
    }
    expect(server.useCases.calls).not.toContain("acceptMessage");
  });

  test("may stand in quotes, as the draft has it", async ({ expect, server }) => {
    const plain = await call(server, "/api/v1/messages", message("key-1"));
    const quoted = await call(server, "/api/v1/messages", message('"key-1"'));
    expect(quoted.json).toEqual(plain.json);
  });

  test("belongs to its user alone", async ({ expect, server }) => {
    const mine = await call(server, "/api/v1/messages", message("key-1", "mine"));
    const theirs = await call(server, "/api/v1/messages", {
      ...message("key-1", "theirs"),
      token: OTHER_TOKEN,
    });
    expect(theirs.status).toBe(202);
    expect(theirs.json.sessionId).not.toBe(mine.json.sessionId);
  });

  test("of a request that is not done yet is answered by 409", async ({ expect, server }) => {
    const release = server.useCases.hold();
    const first = call(server, "/api/v1/messages", message("key-1"));
    await expect.poll(() => server.useCases.calls).toContain("signIn");
    release();
    await first;
    // From here on the message is accepted, and its request waits for the answer.
    const waiting = call(server, "/api/v1/messages", {
      ...message("key-2"),
      headers: { "idempotency-key": "key-2", prefer: "wait=30" },
    });
    await expect.poll(() => server.useCases.calls).toContain("waitForTurn");
    const second = await call(server, "/api/v1/messages", message("key-2"));
    expect(second.json).toMatchObject({ status: 409, code: "request-in-progress" });
    expect(second.response.headers.get("retry-after")).toBe("1");
    const { json } = await call(server, "/api/v1/sessions?limit=1");
    const sessionId = parseSessionId(json.sessions[0].id);
    const turns = await call(server, `/api/v1/sessions/${sessionId}/turns`);
    const turnId = parseTurnId(turns.json.turns[0].id);
    server.useCases.emit(sessionId, turnId, { kind: "turn-completed" });
    const answered = await waiting;
    expect(answered.status).toBe(200);
    expect(answered.response.headers.get("preference-applied")).toBe("wait");
    expect(answered.json).toMatchObject({
      turnId,
      turn: { id: turnId, state: "completed" },
      messages: [{ role: "user", content: "hi" }],
    });
    const again = await call(server, "/api/v1/messages", {
      ...message("key-2"),
      headers: { "idempotency-key": "key-2", prefer: "respond-async, wait=1" },
    });
    expect([again.status, again.json]).toEqual([200, answered.json]);
  });
});

describe("Prefer: wait", () => {
  test("gives up when its time is over", async ({ expect, server }) => {
    const { status, json } = await call(server, "/api/v1/messages", {
      ...message("key-1"),
      headers: { "idempotency-key": "key-1", prefer: "wait=1" },
    });
    expect(status).toBe(202);
    expect(json).not.toHaveProperty("turn");
    await expect.poll(() => server.useCases.followers()).toBe(0);
  });

  test("ends with its client, and gives the key back", async ({ expect, server }) => {
    const abort = new AbortController();
    const gone = fetch(`${server.url}/api/v1/messages`, {
      method: "POST",
      headers: {
        authorization: "Bearer correct-horse-battery-staple-0123456789",
        "idempotency-key": "key-1",
        prefer: "wait=60",
      },
      body: '{"text":"hi"}',
      signal: abort.signal,
    }).catch(() => "aborted");
    await expect.poll(() => server.useCases.followers()).toBe(1);
    abort.abort();
    expect(await gone).toBe("aborted");
    await expect.poll(() => server.useCases.followers()).toBe(0);
    const again = await call(server, "/api/v1/messages", message("key-1"));
    expect(again.status).toBe(202);
  });

  test("ends with its credential, and shows nothing", async ({ expect, server }) => {
    const { useCases } = server;
    await useCases.addUser({ id: "u3", role: "member", token: "short-lived" });
    const waiting = call(server, "/api/v1/messages", {
      ...message("key-1"),
      token: "short-lived",
      headers: { "idempotency-key": "key-1", prefer: "wait=10" },
    });
    await expect.poll(() => useCases.followers()).toBe(1);
    const { json } = await call(server, "/api/v1/users/u3/tokens");
    const [{ id }] = json.tokens;
    await call(server, `/api/v1/users/u3/tokens/${id}`, { method: "DELETE" });
    const ended = await waiting;
    expect([ended.status, ended.json.code]).toEqual([401, "unauthorized"]);
    expect(ended.json).not.toHaveProperty("turn");
    expect(useCases.followers()).toBe(0);
  });

  test.for(["wait", "wait=-1", "wait=x", "wait=0", "handling=lenient"])(
    "that means nothing is passed over: %s",
    async (prefer, { expect, server }) => {
      const { status } = await call(server, "/api/v1/messages", {
        ...message("key-1"),
        headers: { "idempotency-key": "key-1", prefer },
      });
      expect(status).toBe(202);
    },
  );
});

describe("a schedule's Idempotency-Key", () => {
  const create = (key: string, body: object = SCHEDULE) => ({ ...message(key), body });

  test("makes one schedule and gives the same answer again", async ({ expect, server }) => {
    const first = await call(server, "/api/v1/schedules", create("key-1"));
    expect(first.status).toBe(201);
    const again = await call(server, "/api/v1/schedules", create("key-1"));
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.response.headers.get("idempotent-replayed")).toBe("true");
    const other = await call(
      server,
      "/api/v1/schedules",
      create("key-1", { ...SCHEDULE, name: "x" }),
    );
    expect(other.json).toMatchObject({ status: 422, code: "idempotency-key-reused" });
    const run = `/api/v1/schedules/${first.json.id}/run`;
    const fired = await call(server, run, { ...message("key-2"), body: undefined });
    expect(fired).toMatchObject({ status: 202, json: { scheduleId: first.json.id } });
    const twice = await call(server, run, { ...message("key-2"), body: undefined });
    expect(twice.json).toEqual(fired.json);
    const { json } = await call(server, "/api/v1/schedules");
    expect(json.schedules).toHaveLength(1);
    expect(server.useCases.calls.filter((name) => name === "runSchedule")).toHaveLength(1);
  });

  test("is free again after a refusal, and held after a failure", async ({ expect, server }) => {
    const when = { kind: "cron", expression: "never", timeZone: "UTC" };
    const refused = await call(server, "/api/v1/schedules", create("key-1", { ...SCHEDULE, when }));
    expect(refused.json).toMatchObject({ status: 400, code: "bad-frame" });
    expect((await call(server, "/api/v1/schedules", create("key-1"))).status).toBe(201);
  });

  test("of many at once makes one", async ({ expect, server }) => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call(server, "/api/v1/schedules", create("key-1"))),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ json }) => json.id)).size).toBe(1);
    expect(server.useCases.calls.filter((name) => name === "createSchedule")).toHaveLength(1);
  });

  test("changes pass through, and what has gone is gone", async ({ expect, server }) => {
    const { json } = await call(server, "/api/v1/schedules", create("key-1"));
    const path = `/api/v1/schedules/${json.id}`;
    const patch = (state: string) => call(server, path, { method: "PATCH", body: { state } });
    expect((await patch("paused")).json).toMatchObject({ state: "paused" });
    expect((await patch("active")).json).toMatchObject({ state: "active" });
    expect((await patch("ended")).json).toMatchObject({ status: 400 });
    expect((await call(server, path, { method: "DELETE" })).status).toBe(204);
    expect((await call(server, path)).status).toBe(404);
  });
});
