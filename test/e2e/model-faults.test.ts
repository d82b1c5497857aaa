import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, test } from "vitest";
import { ChatClient } from "../support/chat-client.ts";
import { readMetrics } from "../support/metrics.ts";
import { MODEL_APIS, type ModelApi } from "../support/model-apis.ts";
import { MODEL_FAULTS, type ModelFault } from "../support/model-faults.ts";
import { type ModelSocket, openModelSocket, responseHead } from "../support/model-socket.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

/*
 * Every service fails in every way behind a started server: each fault ends its turn in sight of
 * its user, or a fallback answers; none keeps a worker, and what was said is counted.
 */

const KEY = "sk-canary-1234567890";
const AT_ONCE = 6;
const THREADS = 2;
const LIMITS = { firstTokenMs: 2_000, betweenTokensMs: 1_500, totalMs: 5_000 };
/**
 * What a fault may take beyond the limit that ends it, and in all where none has to, on top of what
 * the longest turn took meanwhile whose model answers at once: so slow was the machine.
 */
const SLACK_MS = 1_000;
const NEIGHBOUR_EVERY_MS = 100;
/** Faults that only a limit ends which models.yaml does not have; others end them here. */
const ENDED_BY_TIME = /^(?:100 MB|events without end)/u;

/** Answers that are whole as HTTP has it: their connections are kept for the next request. */
const WHOLE = /^(?:429|500$|529|502|wrong key|key shown|quota|unknown model|redirect|web page)/u;
/** The service asks for a pause, so the thread that heard it leaves the model alone: they come last. */
const ASKS_FOR_PAUSE = /^429 with Retry-After/u;
const PAUSE_MS = 7_000;
const FAULTS = [
  MODEL_FAULTS.filter(({ name }) => !ASKS_FOR_PAUSE.test(name)),
  MODEL_FAULTS.filter(({ name }) => ASKS_FOR_PAUSE.test(name)),
];
/** What a service says that it bills for a whole answer, and what that costs. */
const BILLED = { inputTokens: 3, outputTokens: 4 };
const costOf = ({ inputTokens, outputTokens }: Usage) => inputTokens * 1_000 + outputTokens * 2_000;
const MALFORMED = "arguments of a call that are no JSON";

const SERVICES = [
  { name: "openai by Responses", model: "openai/test", yaml: "openai: { api: responses }" },
  { name: "openai by Chat Completions", model: "openai/test", yaml: "openai: { api: chat }" },
  { name: "custom", model: "custom:own/test", yaml: "openai: { api: chat }" },
  { name: "anthropic", model: "anthropic/test", yaml: "openai: { api: chat }" },
  { name: "ollama", model: "ollama/test", yaml: "openai: { api: chat }" },
] as const;

describe.for(SERVICES)("a server whose model is behind $name", { concurrent: true }, (service) => {
  test("ends the turn of every fault in sight, and goes on", async ({ expect }) => {
    await using model = await openFaultyModel(service.name);
    await using server = await startWith(service, model, "");
    await using client = await ChatClient.open(server.url, server.token);
    // What a thread loads when it first asks a model is no part of any fault.
    const first = await askEveryThread(client, model);
    const neighbour = await askAlongside(server);
    const meet = async (fault: ModelFault) => {
      const beganAtMs = performance.now();
      const { turnId } = await client.send(`fault: ${fault.name};`);
      const { event } = await client.findEnd(turnId);
      return { fault, turnId, event, ms: performance.now() - beganAtMs };
    };
    const [plain = [], pausing = []] = FAULTS;
    const met = await eachOf(plain, meet);
    const neighbours = await neighbour.stop();
    const ends = [...met, ...(await eachOf(pausing, meet))];
    const slackMs = SLACK_MS + Math.max(...neighbours.map(({ ms }) => ms));
    for (const { fault, event, ms } of ends) {
      const codes = ENDED_BY_TIME.test(fault.name) ? [fault.code, "LLM_TIMEOUT"] : [fault.code];
      expect([fault.name, event.type]).toEqual([fault.name, "RUN_ERROR"]);
      expect(codes, `${fault.name}: ${event.message}`).toContain(event.code);
      expect(ms, fault.name).toBeLessThan(limitOf(fault, event) + slackMs);
    }
    expect(JSON.stringify(client.frames) + server.output()).not.toContain(KEY);
    // No connection is held for an answer that nobody waits for.
    await expect.poll(() => model.held(), { timeout: slackMs }).toEqual([]);
    // What a service has asked for is given to it, and no more.
    const answered: { readonly turnId: string; readonly text: string }[] = [];
    const answers = async () => {
      const asked = Array.from({ length: 2 * THREADS }, () => client.ask("hello"));
      const all = await Promise.all(asked);
      answered.push(...all.filter(({ text }) => text !== ""));
      return all.map(({ text }) => text);
    };
    await expect
      .poll(answers, { timeout: PAUSE_MS + slackMs, interval: 200 })
      .toEqual(Array.from({ length: 2 * THREADS }, () => "Hi there"));
    const healthy = [
      ...first,
      ...neighbours,
      ...answered,
      ...(await askEveryThread(client, model)),
    ];
    expect(healthy.map(({ text }) => text)).toEqual(healthy.map(() => "Hi there"));
    const calls = await Promise.all(
      ends.map(async ({ fault, turnId }) => ({ fault, ...(await callOf(server, turnId)) })),
    );
    const saysAtOnce = apiNamed(service.name).head.includes('"input_tokens":3');
    for (const { fault, state, usage, costNanoUsd } of calls) {
      expect([fault.name, state]).toEqual([fault.name, "failed"]);
      const hasSpoken = /mid-stream$|cut stream|now and then, for ever/u.test(fault.name);
      if (hasSpoken && fault.code !== "LLM_RATE_LIMITED") {
        expect(usage.outputTokens, fault.name).toBeGreaterThan(0);
        // Where a service says at the beginning what it was told, that is what counts.
        if (saysAtOnce) expect([fault.name, usage.inputTokens]).toEqual([fault.name, 3]);
        // "Half" is one token, by our estimate and by what services say that count early.
        if (/^(?:hang in mid-stream|cut stream)$/u.test(fault.name)) {
          expect([fault.name, usage.outputTokens]).toEqual([fault.name, 1]);
        }
      }
      expect(costNanoUsd, fault.name).toBe(costOf(usage));
      if (/^(?:429|500$|unknown|wrong)/u.test(fault.name)) expect(costNanoUsd).toBe(0);
    }
    const told = await eachOf(healthy, ({ turnId }) => callOf(server, turnId));
    const isBilled = !apiNamed(service.name).end("stop").includes("[DONE]");
    for (const { usage, costNanoUsd } of told) {
      if (isBilled) expect(usage).toMatchObject(BILLED);
      expect(costNanoUsd).toBe(costOf(usage));
    }
    const spent = [...calls, ...told].reduce((sum, call) => sum + call.costNanoUsd, 0);
    const isCounted = async () => {
      const metrics = await readMetrics(server);
      return Math.round(
        1e9 * (metrics.get(`nexflow_cost_usd_total{model="${service.model}"}`) ?? 0),
      );
    };
    await expect.poll(isCounted, { timeout: 5_000 }).toBe(spent);
    const metrics = await readMetrics(server);
    for (const state of ["running", "queued", "in_flight"]) {
      expect([state, metrics.get(`nexflow_turns_${state}`)]).toEqual([state, 0]);
    }
  });

  test("tells the model of arguments that are no JSON, or ends where none can be read", async ({
    expect,
  }) => {
    await using model = await openFaultyModel(service.name);
    await using server = await startWith(service, model, "");
    await using client = await ChatClient.open(server.url, server.token);
    const { events, text } = await client.ask(`fault: ${MALFORMED};`);
    const end = events.at(-1)?.event;
    if (!apiNamed(service.name).hasRawArguments) {
      expect([end.type, end.code]).toEqual(["RUN_ERROR", "LLM_BAD_ANSWER"]);
      return;
    }
    const results = events.filter(({ event }) => event.type === "TOOL_CALL_RESULT");
    expect(results.map(({ event }) => JSON.parse(event.content))).toMatchObject([
      { ok: false, error: { code: "invalid-input" } },
    ]);
    expect([end.type, text]).toEqual(["RUN_FINISHED", "I see"]);
    // The first of the two said nothing else, and both are paid for.
    const { entries } = await timelineOf(server, events[0]?.turnId ?? "");
    const states = entries.filter(({ kind }) => kind === "model-call").map(({ state }) => state);
    expect(states).toEqual(["answered", "answered"]);
  });

  test("has a fallback answer where that helps, and doubles no text", async ({ expect }) => {
    await using model = await openFaultyModel(service.name);
    const fallbacks = `fallbacks: { "${service.model}": ["custom:good/test"] }`;
    await using server = await startWith(service, model, fallbacks);
    await using client = await ChatClient.open(server.url, server.token);
    const meet = async (fault: ModelFault) => {
      const { turnId } = await client.send(`fault: ${fault.name};`);
      const { event } = await client.findEnd(turnId);
      const isForAll = fault.code === "LLM_REFUSED";
      const expected = isForAll ? "RUN_ERROR" : "RUN_FINISHED";
      expect([fault.name, event.type], event.message).toEqual([fault.name, expected]);
      if (isForAll) return;
      const said = client.textOf(turnId);
      expect([fault.name, said.split("All good").length]).toEqual([fault.name, 2]);
      expect(said.split("Half").length, fault.name).toBeLessThanOrEqual(2);
    };
    for (const faults of FAULTS) await eachOf(faults, meet);
    expect(JSON.stringify(client.frames) + server.output()).not.toContain(KEY);
  });
});

interface FaultyModel extends ModelSocket {
  /** The faults whose connections are open still, though their answers are not whole. */
  held(): readonly string[];
  /** Fulfilled when so many have asked at once; they are answered then. */
  gather(count: number): Promise<void>;
}

/** A service that fails as the last message says, and answers any other; beside it one that is well. */
async function openFaultyModel(apiName: string): Promise<FaultyModel> {
  const api = apiNamed(apiName);
  const chat = apiNamed("custom");
  const played: { readonly name: string; readonly socket: Socket }[] = [];
  const gathered: Socket[] = [];
  let onGathered: (() => void) | undefined;
  const opened = await openModelSocket((socket, { head, body }) => {
    const name = [...body.matchAll(/fault: (.*?);/gu)].at(-1)?.[1];
    const fault = MODEL_FAULTS.find((each) => each.name === name);
    if (head.startsWith("POST /good/")) socket.end(answer(chat, "All good"));
    else if (name === MALFORMED) socket.end(answerMalformed(api, body));
    else if (fault !== undefined) {
      played.push({ name: fault.name, socket });
      fault.play(socket, api, KEY);
    } else if (onGathered === undefined) socket.end(answer(api, "Hi there"));
    else {
      gathered.push(socket);
      onGathered();
    }
  });
  const gather = async (count: number) => {
    await new Promise<void>((resolve) => {
      onGathered = () => gathered.length === count && resolve();
    });
    onGathered = undefined;
    for (const socket of gathered.splice(0)) socket.end(answer(api, "Hi there"));
  };
  const held = () =>
    played
      .filter(({ name, socket }) => !WHOLE.test(name) && !socket.destroyed)
      .map(({ name }) => name);
  return Object.assign(opened, { gather, held });
}

/** A call whose arguments break off; once the model was told so, it says that it sees. */
function answerMalformed(api: ModelApi, body: string): string {
  if (body.includes("is not JSON")) return answer(api, "I see");
  const head = responseHead(200, { "content-type": api.contentType }) + api.head;
  const call = api.hasRawArguments
    ? api.toolCall("calculator__evaluate", '{"expression":', " 2+")
    : api.toolCall("calculator__evaluate", "{}").replace("{}", "{oops");
  return head + call + api.end("tool-calls");
}

/** The limit that ends a fault, by what its user is told of it. */
function limitOf(fault: ModelFault, { message }: { readonly message: string }): number {
  const seconds = /(?:said nothing for|took longer than) (?<seconds>[\d.]+) s$/u.exec(
    message,
  )?.groups;
  if (seconds !== undefined) return 1_000 * Number(seconds["seconds"]);
  return ENDED_BY_TIME.test(fault.name) ? LIMITS.totalMs : 0;
}

/** Asks now and then, in sessions of its own, for what the model answers at once. */
async function askAlongside({ url, token }: RunningNexflow) {
  const client = await ChatClient.open(url, token);
  const asked: { readonly turnId: string; readonly text: string; readonly ms: number }[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const beganAtMs = performance.now();
      const { turnId, text } = await client.ask("hello");
      asked.push({ turnId, text, ms: performance.now() - beganAtMs });
      await delay(NEIGHBOUR_EVERY_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await asking;
      await client[Symbol.asyncDispose]();
      return asked;
    },
  };
}

/** Turns that run at once, two for each agent thread: they go where the fewest are. */
async function askEveryThread(client: ChatClient, model: FaultyModel) {
  const count = 2 * THREADS;
  const gathered = model.gather(count);
  const asked = Array.from({ length: count }, () => client.ask("hello"));
  await gathered;
  return Promise.all(asked);
}

function answer(api: ModelApi, text: string): string {
  const head = responseHead(200, { "content-type": api.contentType });
  return `${head}${api.head}${api.text(text)}${api.end("stop")}`;
}

function apiNamed(name: string): ModelApi {
  const api = MODEL_APIS.find((each) => each.name === name);
  if (api === undefined) throw new Error(`Expected an API named "${name}"`);
  return api;
}

async function startWith(
  { model, yaml }: (typeof SERVICES)[number],
  { url }: ModelSocket,
  more: string,
): Promise<RunningNexflow> {
  const dir = await openTempDir();
  const custom = `custom: { own: { baseUrl: "${url}/v1" }, good: { baseUrl: "${url}/good/v1" } }`;
  const settings = [
    `providers: { ${yaml}, ${custom} }`,
    `prices: { "${model}": { input: 1, output: 2 }, "custom:good/test": { input: 1, output: 2 } }`,
    `limits: ${JSON.stringify({ ...LIMITS, retries: 0, maxWaitMs: 0, breaker: { failures: 1_000 }, keyPauseMs: 1 })}`,
    more,
  ];
  await writeFile(path.join(dir.path, "models.yaml"), settings.join("\n"));
  const server = await startNexflow({
    homeDir: dir.path,
    env: {
      NEXFLOW_MODEL: model,
      NEXFLOW_AGENT_THREADS: String(THREADS),
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${url}/v1`,
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: url,
      OLLAMA_API_KEY: KEY,
      OLLAMA_HOST: url,
      NEXFLOW_CUSTOM_OWN_API_KEY: KEY,
    },
  });
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Some at once, so that they meet; not all, or the machine would fail instead. */
async function eachOf<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      results[next[0]] = await run(next[1]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

interface Call {
  readonly kind: string;
  readonly state: string;
  readonly usage: Usage;
  readonly costNanoUsd: number;
}

/** The only call of a model in a turn. */
async function callOf(server: RunningNexflow, turnId: string): Promise<Call> {
  const { entries } = await timelineOf(server, turnId);
  const [call, ...more] = entries;
  if (call === undefined || more.length > 0) throw new Error(`Expected one call of a model`);
  return call;
}

async function timelineOf({ url, token }: RunningNexflow, turnId: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/v1/turns/${turnId}/timeline`, { headers });
  return (await response.json()) as { readonly entries: readonly Call[] };
}
