import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import path from "node:path";
import { describe, test } from "vitest";
import type { LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { openModels } from "#infrastructure/llm/open-models.ts";
import { describeLlm, message, request, textIn } from "../../contract/llm.ts";
import { MODEL_APIS, type ModelApi } from "../../support/model-apis.ts";
import {
  type ModelSocket,
  openModelSocket,
  responseHead,
  wholeResponse,
} from "../../support/model-socket.ts";
import { silentLog } from "../../support/silent-log.ts";
import { openTempDir } from "../../support/temp-dir.ts";

/** What a service does with one request. */
type Play = (socket: Socket) => void;

const [CHAT, ANTHROPIC] = [apiOf("openai by Chat Completions"), apiOf("anthropic")];
const answers =
  (api: ModelApi, text: string): Play =>
  (socket) =>
    socket.end(headOf(api) + api.head + api.text(text) + api.end("stop"));
const breaksOff =
  (api: ModelApi, text: string): Play =>
  (socket) => {
    socket.write(headOf(api) + api.head + api.text(text));
    setTimeout(() => socket.destroy(), 50);
  };
const refuses =
  (status: number, headers: Record<string, string> = {}): Play =>
  (socket) =>
    socket.write(
      wholeResponse(
        status,
        { "content-type": "application/json", ...headers },
        CHAT.error(status, "no"),
      ),
    );
const hangs: Play = () => undefined;

describeLlm("router without a file", async () => {
  const dir = await openTempDir();
  const access = { homeDir: dir.path, model: undefined, modelKeys: {}, modelUrls: {} };
  const models = await openModels({ access, log: silentLog });
  return {
    llm: models.llm,
    async [Symbol.asyncDispose]() {
      models.close();
      await dir[Symbol.asyncDispose]();
    },
  };
});

describe("models.yaml over real sockets", () => {
  test("a chain of three: one is down, one breaks off in mid-answer, one answers", async ({
    expect,
  }) => {
    await using one = await openService(refuses(500));
    await using two = await openService(breaksOff(ANTHROPIC, "Hel"));
    await using three = await openService(answers(CHAT, "Hello"));
    await using models = await open({
      yaml: `
default: fast
aliases: { fast: custom:one/a }
fallbacks: { fast: [anthropic/b, custom:three/c] }
providers:
  custom: { one: { baseUrl: "${one.url}/v1" }, three: { baseUrl: "${three.url}/v1" } }
limits: { retries: 0 }`,
      keys: { anthropic: ["key"] },
      urls: { anthropic: two.url },
    });
    const events = await models.ask();
    expect(events.map(outline)).toEqual([
      "custom:one/a failed: LLM_UNAVAILABLE, then anthropic/b",
      "Hel",
      "anthropic/b failed: LLM_BAD_ANSWER, then custom:three/c",
      "Hello",
      "finished by custom:three/c",
    ]);
    const [first, second] = events.flatMap((e) => (e.kind === "attempt-failed" ? [e.usage] : []));
    expect(first).toEqual({ inputTokens: 0, outputTokens: 0 });
    expect(second).toMatchObject({ outputTokens: 1 });
  });

  test("a service that is silent is left for the next one in time", async ({ expect }) => {
    await using one = await openService(hangs);
    await using two = await openService(answers(CHAT, "Hello"));
    await using models = await open({
      yaml: `
default: custom:one/a
fallbacks: { "custom:one/a": [custom:two/b] }
providers:
  custom: { one: { baseUrl: "${one.url}/v1" }, two: { baseUrl: "${two.url}/v1" } }
limits: { firstTokenMs: 2500 }`,
    });
    const startMs = performance.now();
    expect((await models.ask()).map(outline)).toEqual([
      "custom:one/a failed: LLM_TIMEOUT, then custom:two/b",
      "Hello",
      "finished by custom:two/b",
    ]);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(2_499);
  });

  test("Retry-After is waited for, and said where it is too long", async ({ expect }) => {
    await using one = await openService(
      refuses(429, { "retry-after": "1" }),
      answers(CHAT, "Hello"),
      refuses(429, { "retry-after": "60" }),
    );
    await using models = await open({ yaml: single(one) });
    const startMs = performance.now();
    expect(textIn(await models.ask())).toBe("Hello");
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(999);
    await expect(models.ask()).rejects.toThrow(/; it may be asked again in 60 s$/u);
  });

  test("keys are taken in turn: one refused, one limited, one taken", async ({ expect }) => {
    await using one = await openService(
      refuses(401),
      refuses(429, { "retry-after": "60" }),
      answers(CHAT, "Hello"),
    );
    const keys = { "custom:one": ["key-one", "key-two", "key-three"] };
    await using models = await open({ yaml: single(one), keys });
    const events = await models.ask();
    expect(textIn(events)).toBe("Hello");
    await models.ask();
    const used = one.requests.map(({ head }) => /bearer (?<key>\S+)/iu.exec(head)?.groups?.["key"]);
    expect(used).toEqual(["key-one", "key-two", "key-three", "key-three"]);
    expect(JSON.stringify(events)).not.toContain("key-");
  });

  test("a model that fails too often is left alone, and taken again once it answers", async ({
    expect,
  }) => {
    await using one = await openService(refuses(500), refuses(503), answers(CHAT, "Hello"));
    const breaker = "{ failures: 2, withinMs: 60000, pauseMs: 3000 }";
    await using models = await open({
      yaml: single(one, `{ retries: 0, maxWaitMs: 0, breaker: ${breaker} }`),
    });
    for (const _ of [1, 2]) {
      await expect(models.ask()).rejects.toMatchObject({ code: "LLM_UNAVAILABLE" });
    }
    await expect(models.ask()).rejects.toMatchObject({ code: "LLM_PAUSED" });
    expect(one.requests).toHaveLength(2);
    await expect
      .poll(async () => models.ask().then(textIn, () => ""), { timeout: 15_000 })
      .toBe("Hello");
    expect(textIn(await models.ask())).toBe("Hello");
  });

  test("a service is asked so much at once as is allowed, in the order of asking", async ({
    expect,
  }) => {
    let running = 0;
    let most = 0;
    const slowly: Play = (socket) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        answers(CHAT, "Hello")(socket);
      }, 30);
    };
    await using one = await openService(slowly);
    await using models = await open({
      yaml: single(one, "{ concurrency: { 'custom:one': 2 } }"),
    });
    const order: number[] = [];
    const texts = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (number) => {
        const text = textIn(await models.ask());
        order.push(number);
        return text;
      }),
    );
    expect(new Set(texts)).toEqual(new Set(["Hello"]));
    expect(most).toBe(2);
    // Two at a time may end in any order, but nobody is passed by those who asked much later.
    expect(new Set(order.slice(0, 2))).toEqual(new Set([1, 2]));
    expect(new Set(order.slice(4))).toEqual(new Set([5, 6]));
  });

  test("a changed file counts from the next answer on", async ({ expect }) => {
    await using one = await openService(answers(CHAT, "one"));
    await using two = await openService(answers(CHAT, "two"));
    await using models = await open({ yaml: single(one) });
    expect(textIn(await models.ask())).toBe("one");
    await models.write(single(two));
    await expect
      .poll(async () => textIn(await models.ask()), { timeout: 10_000, interval: 100 })
      .toBe("two");
  });
});

describe("reasoning of models.yaml on the wire", () => {
  const RESPONSES = apiOf("openai by Responses");
  const OLLAMA = apiOf("ollama");
  test.for([
    ["openai/gpt-5.5", RESPONSES, "low", { reasoning: { effort: "low", summary: "auto" } }],
    ["openai/gpt-5-mini", RESPONSES, "high", { reasoning: { effort: "high" } }],
    ["custom:lab/qwen3", CHAT, "high", { reasoning_effort: "high" }],
    [
      "anthropic/claude-opus-5-5",
      ANTHROPIC,
      "medium",
      { thinking: { type: "adaptive" }, output_config: { effort: "medium" } },
    ],
    [
      "anthropic/claude-haiku-4-5",
      ANTHROPIC,
      "low",
      { thinking: { type: "enabled", budget_tokens: 2_048 } },
    ],
    ["ollama/qwen3", OLLAMA, "high", { think: "high" }],
    ["ollama/qwen3", OLLAMA, "none", { think: false }],
  ] as const)("%s", async ([model, api, reasoning, told], { expect }) => {
    await using service = await openService(answers(api, "Hello"));
    await using models = await open({
      yaml: `
default: chosen
aliases: { chosen: "${model}" }
reasoning: { chosen: ${reasoning} }
providers:
  openai: { api: responses }
  custom: { lab: { baseUrl: "${service.url}/v1" } }`,
      keys: { openai: ["key"], anthropic: ["key"] },
      urls: { openai: `${service.url}/v1`, anthropic: service.url, ollama: service.url },
    });
    expect(textIn(await models.ask())).toBe("Hello");
    expect(JSON.parse(service.requests[0]?.body ?? "")).toMatchObject(told);
  });

  test("nothing is said of it where the file says nothing", async ({ expect }) => {
    await using service = await openService(answers(RESPONSES, "Hello"));
    await using models = await open({
      yaml: "default: openai/gpt-5.5\nproviders: { openai: { api: responses } }",
      keys: { openai: ["key"] },
      urls: { openai: `${service.url}/v1` },
    });
    await models.ask();
    expect(JSON.parse(service.requests[0]?.body ?? "")).not.toHaveProperty("reasoning");
  });
});

function apiOf(name: string): ModelApi {
  const api = MODEL_APIS.find((each) => each.name === name);
  if (api === undefined) throw new Error(`There is no API "${name}"`);
  return api;
}

/** A service that does one thing after the other, the last one again and again. */
function openService(...plays: readonly [Play, ...Play[]]): Promise<ModelSocket> {
  const [first, ...rest] = plays;
  let next = first;
  return openModelSocket((socket) => {
    next(socket);
    next = rest.shift() ?? next;
  });
}

function headOf({ contentType }: ModelApi): string {
  return responseHead(200, { "content-type": contentType, connection: "close" });
}

function single({ url }: ModelSocket, limits = "{}"): string {
  return `
default: custom:one/a
providers: { custom: { one: { baseUrl: "${url}/v1" } } }
limits: ${limits}`;
}

interface OpenOptions {
  readonly yaml: string;
  readonly keys?: Readonly<Record<string, readonly string[]>>;
  readonly urls?: Readonly<Record<string, string>>;
}

async function open({ yaml, keys = {}, urls = {} }: OpenOptions) {
  const dir = await openTempDir();
  const write = (text: string) => writeFile(path.join(dir.path, "models.yaml"), text);
  await write(yaml);
  const access = { homeDir: dir.path, model: undefined, modelKeys: keys, modelUrls: urls };
  const models = await openModels({ access, log: silentLog });
  const question: LlmRequest = request([message("user", { kind: "text", text: "hello" })]);
  return {
    write,
    async ask(): Promise<readonly LlmEvent[]> {
      const events: LlmEvent[] = [];
      const signal = new AbortController().signal;
      for await (const event of models.llm.stream(question, signal)) events.push(event);
      return events.filter(({ kind }) => kind !== "usage");
    },
    async [Symbol.asyncDispose]() {
      models.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

function outline(event: LlmEvent): string {
  if (event.kind === "text") return event.delta;
  if (event.kind === "finished") return `finished by ${event.model}`;
  if (event.kind !== "attempt-failed") return event.kind;
  return `${event.model} failed: ${event.failure.code}, then ${event.next.model}`;
}
