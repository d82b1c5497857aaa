import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import path from "node:path";
import { type ExpectStatic, test } from "vitest";
import { stringify } from "yaml";
import { encodeModule, wasm } from "../../runtime/proof/encode-module.ts";
import { ChatClient } from "../support/chat-client.ts";
import { entryOf } from "../support/mcp.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { plantSkill } from "../support/planted-skill.ts";
import { policyText } from "../support/policies.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { findBusyProcess, untilGone } from "../support/process-tree.ts";
import { report } from "../support/report.ts";
import { type ModelAnswer, ScriptedModel } from "../support/scripted-model.ts";
import { SessionClient } from "../support/session-client.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

/*
 * How long it takes from the sending of a cancel until what the turn did has stopped, as whoever did
 * it sees that, and until the client has the turn's end. What else the machine does at a moment shows
 * in single figures: the bound is held to the median of several, and where a neighbour had the machine
 * all that time they are taken anew, a few times.
 */

const MOST_MS = 100;
const TIMES = 7;
const ROUNDS = 5;
const WAYS = ["WebSocket", "REST"] as const;

/** A turn in the middle of something. */
interface Begun {
  readonly turnId: string;
  readonly sessionId: string;
  /** Fulfilled when all it did has stopped. */
  readonly stopped: Promise<unknown>;
  /** What the model had said, which is kept. */
  readonly text: string;
}

interface Figure {
  readonly stoppedMs: number;
  readonly toldMs: number;
  /** What the way to the server and back takes at that moment. */
  readonly pingMs: number;
}

interface Client {
  readonly chat: ChatClient;
  readonly rest: SessionClient;
}

type Cases = Readonly<Record<string, () => Promise<Begun>>>;

test("a cancel stops models, skills and MCP tools within 100 ms, and keeps the text", {
  timeout: 600_000,
}, async ({ expect }) => {
  await using dir = await openTempDir();
  await using model = await ScriptedModel.open();
  await using holding = await openHolding();
  const env = { ...(await plant(dir.path)), ...model.env };
  await using server = await startNexflow({ homeDir: dir.path, env });
  await using client = await openClient(server);
  const { chat } = client;
  const loop = async (tool: string): Promise<Begun> => {
    const { text, ...turn } = await beginCall(chat, await ask(chat, model), { tool });
    const pid = await findBusyProcess(server.process.pid ?? 0);
    return { ...turn, text, stopped: untilGone(pid) };
  };
  const cases: Cases = {
    "a model that streams": () => beginStream(chat, model),
    "a model that hangs before its first byte": async () => {
      const { answer, ...turn } = await ask(chat, model);
      return { ...turn, text: "", stopped: answer.abandoned };
    },
    "a skill that loops in an isolate": () => loop("looper.run"),
    "a skill that loops as a plugin": () => loop("spinner.run"),
    "an MCP tool that hangs": async () => {
      const asked = await ask(chat, model);
      const { port } = holding;
      const turn = await beginCall(chat, asked, { tool: "mcp-plain.hold", input: { port } });
      const { closed } = await holding.next();
      return { ...turn, stopped: closed };
    },
  };
  expect(await findLate(cases, client, expect)).toEqual([]);
});

test("a cancel stops a call in the background and the model beside it within 100 ms", {
  timeout: 300_000,
}, async ({ expect }) => {
  await using dir = await openTempDir();
  await using model = await ScriptedModel.open();
  await using holding = await openHolding();
  const env = { ...(await plant(dir.path)), ...model.env, NEXFLOW_BACKGROUND_AFTER_MS: "50" };
  await using server = await startNexflow({ homeDir: dir.path, env });
  await using client = await openClient(server);
  const cases: Cases = {
    "a call in the background, and the model": async () => {
      const asked = await ask(client.chat, model);
      const held = { tool: "mcp-plain.hold", input: { port: holding.port } };
      const turn = await beginCall(client.chat, asked, held);
      const { closed } = await holding.next();
      const second = await model.nextAnswer();
      return { ...turn, stopped: Promise.all([closed, second.abandoned]) };
    },
  };
  // The report of each call is a turn of its own.
  const answerReport = async () => {
    const reporting = await model.nextAnswer();
    reporting.say("I see");
    reporting.end();
  };
  expect(await findLate(cases, client, expect, answerReport)).toEqual([]);
});

test("a cancel stops a summary that is asked for before the answer within 100 ms", {
  timeout: 300_000,
}, async ({ expect }) => {
  await using model = await ScriptedModel.open();
  const env = { ...model.env, NEXFLOW_CONTEXT_TOKENS: "8000" };
  await using server = await startNexflow({ env });
  await using client = await openClient(server);
  const { chat } = client;
  const long = "Go on. ".padEnd(9_000, " and so on");
  const cases: Cases = {
    "a summary that is asked for": async () => {
      for (let sessionId: string | undefined; ; ) {
        const { answer, ...turn } = await ask(chat, model, { text: long, sessionId });
        const [system] = answer.request.messages;
        if (String(system?.content).startsWith("You write the record")) {
          return { ...turn, text: "", stopped: answer.abandoned };
        }
        answer.say("Indeed");
        answer.end();
        await chat.findEnd(turn.turnId);
        ({ sessionId } = turn);
      }
    },
  };
  expect(await findLate(cases, client, expect)).toEqual([]);
});

test("a cancel stops a turn of another instance within 100 ms", { timeout: 300_000 }, async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await ScriptedModel.open();
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: model.env,
  });
  await using running = await ChatClient.open(cluster.member(0).url, cluster.token);
  await using client = await openClient(cluster.member(1));
  const cases: Cases = {
    "a model that streams, on another instance": async () => {
      const begun = await beginStream(running, model);
      client.chat.sendFrame({ type: "subscribe", sessionId: begun.sessionId, after: 0 });
      await client.chat.find((frame) => frame.type === "event" && frame.turnId === begun.turnId);
      return begun;
    },
  };
  expect(await findLate(cases, client, expect)).toEqual([]);
});

/** Cancels in the middle of each case, both ways; gives those that took too long in every round. */
async function findLate(
  cases: Cases,
  client: Client,
  expect: ExpectStatic,
  afterwards?: () => Promise<void>,
): Promise<readonly (readonly [name: string, way: string])[]> {
  const names = WAYS.flatMap((way) => Object.keys(cases).map((name) => [name, way] as const));
  let late = names;
  for (let round = 1; round <= ROUNDS && late.length > 0; round++) {
    const figures = new Map<string, Figure[]>(late.map((each) => [each.join(), []]));
    // Side by side in time: what the machine does meanwhile falls on all.
    for (let time = 0; time < TIMES; time++) {
      for (const [name, way] of late) {
        const begun = await cases[name]?.();
        if (begun === undefined) throw new RangeError(`Cannot find the case "${name}"`);
        figures.get([name, way].join())?.push(await cancel(begun, { ...client, way }));
        await expectKept(begun, client, expect);
        await afterwards?.();
      }
    }
    const rows = late.map(([name, way]) => toRow([name, way], figures.get([name, way].join())));
    report(`cancel, medians and longest of ${TIMES} in ms, round ${round}`, rows);
    late = late.filter(
      (_, at) => Math.max(rows[at]?.stopped ?? NaN, rows[at]?.told ?? NaN) > MOST_MS,
    );
  }
  return late;
}

async function cancel(
  { turnId, stopped }: Begun,
  { chat, rest, way }: Client & { readonly way: (typeof WAYS)[number] },
): Promise<Figure> {
  const pingedAtMs = performance.now();
  const from = chat.frames.length;
  chat.sendFrame({ type: "ping", id: turnId });
  await chat.find((frame) => frame.type === "pong", from);
  const sentAtMs = performance.now();
  const sinceSent = () => performance.now() - sentAtMs;
  const sent =
    way === "REST"
      ? rest.ask("POST", `/turns/${turnId}/cancel`)
      : chat.sendFrame({ type: "cancel", turnId });
  const [stoppedMs, toldMs] = await Promise.all([
    stopped.then(sinceSent),
    chat.findEnd(turnId).then(sinceSent),
    sent,
  ]);
  return { stoppedMs, toldMs, pingMs: sentAtMs - pingedAtMs };
}

/** The turn is told and stored as cancelled, with what was said. */
async function expectKept(
  { turnId, sessionId, text }: Begun,
  { chat, rest }: Client,
  expect: ExpectStatic,
): Promise<void> {
  const { event } = await chat.findEnd(turnId);
  expect([event.type, event.outcome]).toEqual(["RUN_FINISHED", { type: "cancelled" }]);
  const { json: turn } = await rest.ask("GET", `/turns/${turnId}`);
  expect(turn.state).toBe("cancelled");
  const { json } = await rest.ask("GET", `/sessions/${sessionId}/messages`);
  const said = (json.messages as readonly { role: string; turnId: string; content?: string }[])
    .filter((message) => message.role === "assistant" && message.turnId === turnId)
    .map(({ content }) => content ?? "");
  expect(said.join("")).toBe(text);
}

function toRow([name, way]: readonly [string, string], figures: readonly Figure[] = []) {
  const most = (of: keyof Figure) => Math.round(Math.max(...figures.map((figure) => figure[of])));
  return {
    case: name,
    by: way,
    stopped: median(figures, "stoppedMs"),
    "at most": most("stoppedMs"),
    told: median(figures, "toldMs"),
    "told at most": most("toldMs"),
    ping: median(figures, "pingMs"),
  };
}

function median(figures: readonly Figure[], of: keyof Figure): number {
  const sorted = figures.map((figure) => figure[of]).toSorted((a, b) => a - b);
  return Math.round(10 * (sorted[Math.floor(sorted.length / 2)] ?? NaN)) / 10;
}

async function openClient({ url, token }: RunningNexflow) {
  const chat = await ChatClient.open(url, token);
  const rest = new SessionClient({ url, token });
  return { chat, rest, [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose]() };
}

interface Asked {
  readonly turnId: string;
  readonly sessionId: string;
  readonly answer: ModelAnswer;
}

async function ask(
  chat: ChatClient,
  model: ScriptedModel,
  about: { readonly text?: string; readonly sessionId?: string | undefined } = {},
): Promise<Asked> {
  const { text = "Begin", sessionId: inSession } = about;
  const options = inSession === undefined ? {} : { sessionId: inSession };
  const { turnId, sessionId } = await chat.send(text, options);
  return { turnId, sessionId, answer: await model.nextAnswer() };
}

async function beginStream(chat: ChatClient, model: ScriptedModel): Promise<Begun> {
  const { answer, ...turn } = await ask(chat, model);
  answer.say("Once upon");
  await untilSaid(chat, turn.turnId);
  return { ...turn, text: "Once upon", stopped: answer.abandoned };
}

async function beginCall(
  chat: ChatClient,
  { answer, ...turn }: Asked,
  { tool, input = {} }: { readonly tool: string; readonly input?: object },
): Promise<Omit<Begun, "stopped">> {
  answer.say("I will. ");
  answer.call(tool, input);
  answer.end();
  await untilSaid(chat, turn.turnId);
  return { ...turn, text: "I will. " };
}

async function untilSaid(chat: ChatClient, turnId: string): Promise<void> {
  await chat.find(
    (frame) =>
      frame.type === "event" &&
      frame.turnId === turnId &&
      frame.event.type === "TEXT_MESSAGE_CONTENT",
  );
}

/** Skills that loop and an MCP server; gives the environment of a server that has them. */
async function plant(homeDir: string): Promise<Readonly<Record<string, string>>> {
  const skillsDir = path.join(homeDir, "planted");
  const spinning = encodeModule({
    functions: { run: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)] },
  });
  await plantSkill(skillsDir, { name: "looper", effects: ["read"], body: "for (;;);" });
  await plantSkill(skillsDir, { name: "spinner", effects: ["read"], body: spinning });
  const servers = stringify({ servers: { plain: entryOf("plain") } });
  await writeFile(path.join(homeDir, "mcp.yaml"), servers);
  const policyDir = path.join(homeDir, "policies");
  await mkdir(policyDir);
  // No limit of time may end a call before it is cancelled, nor while the only process starts anew.
  const limits = { wallMs: 60_000, cpuMs: 60_000, queueMs: 60_000 };
  await writeFile(path.join(policyDir, "p.yaml"), policyText(limits));
  return {
    NEXFLOW_SKILLS_DIR: skillsDir,
    NEXFLOW_POLICY_DIR: policyDir,
    NEXFLOW_AGENT_THREADS: "1",
    NEXFLOW_SANDBOX_PROCESSES: "1",
  };
}

/** Where MCP tools connect to while their call is under way. */
async function openHolding() {
  const held: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    held.push(socket);
    server.emit("held");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** Waits for the next call; fulfilled with what is fulfilled when that call was cancelled. */
    async next(): Promise<{ readonly closed: Promise<unknown> }> {
      if (held.length === 0) await once(server, "held");
      const socket = held.shift();
      if (socket === undefined) throw new Error("Expected a connection");
      return { closed: once(socket, "close") };
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      for (const socket of held) socket.destroy();
      server.close();
      await closed;
    },
  };
}
