import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { type ExpectStatic, test } from "vitest";
import { stringify } from "yaml";
import { UNSAVED_TIME_MOST_MS } from "#domain/turn/turn.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { CountingModel, type Deed } from "../support/counting-model.ts";
import { entryOf } from "../support/mcp.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const DAY_TOKENS = 40_000;
const ANSWER_TOKENS = 400;
/** Each kill cuts off what the ones before it did, and one call more. */
const KILLS = 3;
const SESSIONS = 3;
/** With fewer tokens for its answer no call is made. */
const LEAST_ANSWER_TOKENS = 16;
/** By so much what is set aside is more than what was counted. */
const MARGIN = 1.25;
const MARGIN_TOKENS = 64;
/** A question, with its frame. */
const QUESTION_TOKENS = 20;
/** Billionths of a dollar. */
const PRICE = { input: 2_000, output: 8_000 };

test("a budget in tokens stops at the figure, over kills in the middle of calls", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await using model = await CountingModel.open({ perTokenMs: 1 });
  await configure(dir.path, model, { day: { tokens: DAY_TOKENS } });
  let server = await startNexflow({ homeDir: dir.path });
  for (let kill = 0; kill < KILLS; kill += 1) {
    const begun = model.nextBegun();
    await send(server, `kill-${kill}`);
    await begun;
    await server.kill();
    server = await startNexflow({ homeDir: dir.path });
  }
  const refusedOf = () => count(dir.path, REFUSED);
  for (let round = 0; refusedOf() === 0; round += 1) {
    const names = Array.from({ length: SESSIONS }, (_, index) => `round-${round}-${index}`);
    await Promise.all(names.map((name) => send(server, name)));
    await allEnded(dir.path);
  }
  // Alone nothing that others have set aside is in the way: what is left is too little for a call.
  for (let round = 0, before = refusedOf(); refusedOf() === before; round += 1) {
    await send(server, `alone-${round}`);
    await allEnded(dir.path);
  }
  expect(await server.stop()).toBe(0);

  const booked = count(dir.path, "SELECT sum(tokens) AS n FROM spend WHERE user_id = 'admin'");
  expect(booked).toBeLessThanOrEqual(DAY_TOKENS);
  // What was set aside for calls that a kill cut off counts whole; the rest was there to be used.
  expect(booked).toBeGreaterThanOrEqual(model.tokens);
  const next = inputOf(dir.path, "TRUE", model);
  expect(booked).toBeGreaterThan(DAY_TOKENS - next - LEAST_ANSWER_TOKENS);
  expect(model.mostOutput).toBeLessThanOrEqual(ANSWER_TOKENS);
  const lost = count(dir.path, "SELECT count(*) AS n FROM model_call WHERE state = 'reserved'");
  expect(lost).toBeGreaterThanOrEqual(KILLS);
});

/** What each of these users may spend; each asks about what they are named for. */
const USERS = {
  steps: { turn: { steps: KILLS + 2 } },
  session: { session: { tokens: 15_000 } },
  money: { user: { usd: 0.04 } },
  stream: { turn: { wallMs: 18_000 } },
  tool: { turn: { wallMs: 18_000 } },
};
type Topic = keyof typeof USERS;
const TOPICS = Object.keys(USERS) as readonly Topic[];
/** Longer than a turn waits with saving its time. */
const RUN_MS = 3_200;

test("budgets in steps, tokens, money and time stop at the figure over kills in calls of models and tools", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  let isKilling = true;
  let waits = 0;
  await using model = await CountingModel.open({ perTokenMs: 1, deedFor });
  function deedFor(topic: string): Deed {
    // Never twice the same: a call that has failed too often is not made any more.
    const input = { ms: 60_000 + (waits += 1) };
    if (topic === "tool") return { kind: "call", name: "mcp-plain.wait", input };
    if (isKilling || topic === "stream") return { kind: "hang" };
    if (topic !== "steps") return { kind: "say" };
    return { kind: "call", name: "mcp-plain.add", input: { a: 1, b: 2 } };
  }
  await configure(dir.path, model, { users: USERS });
  await writeFile(
    path.join(dir.path, "mcp.yaml"),
    stringify({ servers: { plain: entryOf("plain") } }),
  );
  const env = { NEXFLOW_BACKGROUND_AFTER_MS: "0" };
  let server = await startNexflow({ homeDir: dir.path, env });
  const tokens = new Map<Topic, string>();
  for (const topic of TOPICS) tokens.set(topic, await addUser(server, topic));
  const ask = (topic: Topic, sessionId?: string) =>
    send(server, topic, { token: tokens.get(topic), sessionId });
  const ranMs = new Map<Topic, number>(TOPICS.map((topic) => [topic, 0]));
  let sessionId = "";
  for (let kill = 0; kill < KILLS; kill += 1) {
    const begun = TOPICS.map((topic) => model.nextBegun(topic));
    if (kill === 0) {
      for (const topic of TOPICS) {
        const sent = await ask(topic);
        if (topic === "session") ({ sessionId } = sent);
      }
    }
    await Promise.all(begun);
    await delay(RUN_MS);
    await server.kill();
    for (const topic of TOPICS) {
      const ran = Date.now() - model.of(topic).askedAtMs;
      ranMs.set(topic, (ranMs.get(topic) ?? 0) + ran);
    }
    isKilling = kill + 1 < KILLS;
    server = await startNexflow({ homeDir: dir.path, env });
    if (isKilling) continue;
    const refusedOf = (topic: Topic) => count(dir.path, `${REFUSED} AND ${byUser(topic)}`);
    for (const topic of ["session", "money"] as const) {
      await allEnded(dir.path, byUser(topic));
      while (refusedOf(topic) === 0) {
        await ask(topic, topic === "session" ? sessionId : undefined);
        await allEnded(dir.path, byUser(topic));
      }
    }
  }
  await allEnded(dir.path);
  expect(await server.stop()).toBe(0);

  expect(model.of("steps").calls).toBe(USERS.steps.turn.steps);
  expect(reserved(dir.path, "steps")).toBe(KILLS);

  const { session, money } = USERS;
  const inSession = count(dir.path, `SELECT tokens AS n FROM session WHERE ${byUser("session")}`);
  expect(inSession).toBeLessThanOrEqual(session.session.tokens);
  expect(inSession).toBeGreaterThanOrEqual(model.of("session").tokens);
  // The call that was refused had all answers to read besides, and what was asked.
  const { calls, written: said, mostRead } = model.of("session");
  const more = said + calls * QUESTION_TOKENS;
  const next = inputOf(dir.path, byUser("session"), { mostRead, more });
  expect(inSession).toBeGreaterThan(session.session.tokens - next - LEAST_ANSWER_TOKENS);
  expect(reserved(dir.path, "session")).toBe(KILLS);

  const spend = `SELECT sum(cost_nano_usd) AS n FROM spend WHERE ${byUser("money")}`;
  const paid = count(dir.path, spend);
  const limit = money.user.usd * 1e9;
  const { read, written } = model.of("money");
  expect(paid).toBeLessThanOrEqual(limit);
  expect(paid).toBeGreaterThanOrEqual(read * PRICE.input + written * PRICE.output);
  const nextPaid = inputOf(dir.path, byUser("money"), model.of("money")) * PRICE.input;
  expect(paid).toBeGreaterThan(limit - nextPaid - LEAST_ANSWER_TOKENS * PRICE.output);
  expect(reserved(dir.path, "money")).toBe(KILLS);

  for (const topic of ["stream", "tool"] as const) {
    const { wallMs } = USERS[topic].turn;
    const lastMs = `SELECT ended_at_ms - started_at_ms AS n FROM turn WHERE ${byUser(topic)}`;
    const allMs = (ranMs.get(topic) ?? 0) + count(dir.path, lastMs);
    expect(allMs, topic).toBeLessThanOrEqual(wallMs);
    expect(allMs, topic).toBeGreaterThan(wallMs - KILLS * UNSAVED_TIME_MOST_MS - 1_000);
  }
  expectAllRefused(dir.path, expect);
});

/** Each of the users was refused once, by their own budget. */
function expectAllRefused(homeDir: string, expect: ExpectStatic): void {
  const failed = rows<{ name: string; message: string }>(
    homeDir,
    `SELECT name, failure_message AS message FROM turn JOIN user USING (user_id)
     WHERE state = 'failed' ORDER BY name`,
  );
  const by = (whose: string, figure: string) => expect.stringMatching(`${whose}.* of ${figure} `);
  expect(failed).toEqual([
    { name: "money", message: by("this user for today", "\\$0.04") },
    { name: "session", message: by("this session", "15000 tokens") },
    { name: "steps", message: by("this turn", "5 steps") },
    { name: "stream", message: by("this turn", "18 s") },
    { name: "tool", message: by("this turn", "18 s") },
  ]);
}

const REFUSED = "SELECT count(*) AS n FROM turn WHERE failure_code = 'BUDGET_EXCEEDED'";

function byUser(name: string): string {
  return `user_id = (SELECT user_id FROM user WHERE name = '${name}')`;
}

/**
 * What is set aside at most for what a call reads that has `more` to read than those that were cut
 * off: as much for the same again, or for what the service said it had read.
 */
function inputOf(homeDir: string, where: string, { mostRead, more = 0 }: Reading): number {
  const set = `SELECT max(input_tokens) AS n FROM model_call WHERE state = 'reserved' AND ${where}`;
  const again = count(homeDir, set);
  return Math.max(again, Math.ceil(mostRead * MARGIN) + MARGIN_TOKENS) + Math.ceil(more * MARGIN);
}

interface Reading {
  readonly mostRead: number;
  readonly more?: number;
}

function reserved(homeDir: string, name: string): number {
  const lost = "SELECT count(*) AS n FROM model_call WHERE state = 'reserved'";
  return count(homeDir, `${lost} AND ${byUser(name)}`);
}

async function configure(homeDir: string, model: CountingModel, budgets: object): Promise<void> {
  const name = "custom:mock/m";
  const prices = { [name]: { input: PRICE.input / 1_000, output: PRICE.output / 1_000 } };
  const providers = { custom: { mock: { baseUrl: model.baseUrl } } };
  const models = { default: name, providers, prices };
  await writeFile(path.join(homeDir, "models.yaml"), stringify(models));
  const all = { ...budgets, answerTokens: ANSWER_TOKENS };
  await writeFile(path.join(homeDir, "budgets.yaml"), stringify(all));
}

interface Sender {
  readonly token?: string | undefined;
  readonly sessionId?: string | undefined;
}

let sent = 0;

/** A message into a session of its own, unless told otherwise. */
async function send(
  server: RunningNexflow,
  topic: string,
  { token = server.token, sessionId }: Sender = {},
): Promise<{ readonly sessionId: string }> {
  const at = sessionId === undefined ? "/messages" : `/sessions/${sessionId}/messages`;
  return await post(server, token, at, { text: `Tell me about ${topic}` });
}

/** Gives the user's token. */
async function addUser(server: RunningNexflow, name: string): Promise<string> {
  const user = await post<{ id: string }>(server, server.token, "/users", { name, role: "member" });
  const made = await post<{ secret: string }>(server, server.token, `/users/${user.id}/tokens`, {
    label: "test",
  });
  return made.secret;
}

async function post<T>(
  server: RunningNexflow,
  token: string,
  at: string,
  body: object,
): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${at}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "idempotency-key": `sent-${(sent += 1)}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`Not accepted: ${await response.text()}`);
  return (await response.json()) as T;
}

async function allEnded(homeDir: string, where = "TRUE"): Promise<void> {
  const open = `SELECT count(*) AS n FROM turn WHERE state IN ('queued', 'running') AND ${where}`;
  while (count(homeDir, open) > 0) await delay(50);
}

function count(homeDir: string, query: string): number {
  return rows<{ n: number }>(homeDir, query)[0]?.n ?? 0;
}

function rows<Row>(homeDir: string, query: string): readonly Row[] {
  const database = new Database(databaseFile(homeDir), { readonly: true });
  try {
    return database.prepare(query).all() as Row[];
  } finally {
    database.close();
  }
}
