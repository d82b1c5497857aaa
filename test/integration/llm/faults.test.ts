import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "vitest";
import type { LlmEvent } from "#application/ports/llm.ts";
import { Fault, toFailure } from "#domain/shared/fault.ts";
import { ask, message, request, textIn } from "../../contract/llm.ts";
import { MODEL_APIS, type ModelApi } from "../../support/model-apis.ts";
import { MODEL_FAULTS } from "../../support/model-faults.ts";
import { openModelSocket, responseHead, wholeResponse } from "../../support/model-socket.ts";
import { medianOf } from "../../support/timings.ts";

const KEY = "sk-canary-1234567890";
/** More than the limit of time that ends a fault here, less than those that may not have to. */
const PATIENCE_MS = 9_000;
const hello = [message("user", { kind: "text", text: "hello" })];

describe.for(MODEL_APIS)("$name against a service that fails", (api) => {
  test.for(MODEL_FAULTS.map((fault) => [fault.name, fault] as const))(
    "stream() ends with a fault and lets go: %s",
    async ([, fault], { expect }) => {
      await using server = await openModelSocket((socket) => fault.play(socket, api, KEY));
      const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base, ...fault.limits });
      const beganAtMs = performance.now();
      const thrown = await faultOf(ask(llm, hello));
      expect(performance.now() - beganAtMs).toBeLessThan(PATIENCE_MS);
      expect(thrown).toMatchObject({ code: fault.code, retryAfterMs: fault.retryAfterMs });
      if (fault.message !== undefined) expect(thrown.message).toMatch(fault.message);
      expect(thrown.message).toContain(`"${llm.name}"`);
      expect(thrown.message).not.toMatch(/\.$|\n/u);
      expect(`${JSON.stringify(toFailure(thrown))}${thrown.stack}`).not.toContain(KEY);
      expect(thrown.cause).toBeUndefined();
    },
  );

  test("stream() hands over arguments that are not JSON, or refuses to read them", async ({
    expect,
  }) => {
    await using server = await openModelSocket((socket) => {
      const call = api.hasRawArguments
        ? api.toolCall("calculator__evaluate", '{"expression":', " 2+")
        : api.toolCall("calculator__evaluate", "{}").replace("{}", "{oops");
      socket.end(headOf(api) + api.head + call + api.end("tool-calls"));
    });
    const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base });
    if (!api.hasRawArguments) {
      expect(await faultOf(ask(llm, hello))).toMatchObject({ code: "LLM_BAD_ANSWER" });
      return;
    }
    const events = await ask(llm, hello);
    const input = { kind: "malformed", text: '{"expression": 2+' };
    expect(events).toContainEqual(expect.objectContaining({ name: "calculator.evaluate", input }));
    expect(events.at(-1)).toMatchObject({ kind: "finished", reason: "tool-calls" });
  });

  test("stream() ends arguments that are too long", async ({ expect }) => {
    const piece = `"${"x".repeat(400)}"`;
    await using server = await openModelSocket((socket) => {
      socket.write(headOf(api) + api.head + api.toolCall("calculator__evaluate", piece));
    });
    const limits = { maxToolInputChars: 300 };
    const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base, ...limits });
    const { code, message: text } = await faultOf(ask(llm, hello));
    expect([code, text]).toEqual([
      "LLM_BAD_ANSWER",
      `A tool call of model "${llm.name}" is too long: expected at most 300 characters`,
    ]);
  });

  test("stream() takes an answer for whole whose connection breaks behind its end", async ({
    expect,
  }) => {
    await using server = await openModelSocket((socket) => {
      const said = headOf(api) + api.head + api.text("All of it") + api.end("stop");
      socket.write(said, () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
    const events = await ask(api.create({ apiKey: KEY, baseUrl: server.url + api.base }), hello);
    expect(textIn(events)).toBe("All of it");
    expect(events.at(-1)).toMatchObject({ kind: "finished", reason: "stop" });
  });

  test("stream() throws LLM_UNAVAILABLE when nobody listens", async ({ expect }) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    const baseUrl = `http://127.0.0.1:${port}${api.base}`;
    const llm = api.create({ apiKey: KEY, baseUrl });
    expect(await faultOf(ask(llm, hello))).toMatchObject({
      code: "LLM_UNAVAILABLE",
      message: `Cannot reach model "${llm.name}" at 127.0.0.1:${port}: ECONNREFUSED`,
    });
  });

  test.for<[string, (api: ModelApi) => string]>([
    ["while nothing comes", () => ""],
    ["behind the head", ({ contentType }) => responseHead(200, { "content-type": contentType })],
    ["in mid-answer", (each) => headOf(each) + each.head + each.text("Half")],
    ["in the middle of an event", (each) => headOf(each) + each.text("Half").slice(0, 15)],
    ["while an error is read", () => responseHead(500, { "content-length": "100" })],
  ])("stream() ends within 100 ms of an abort %s, and hangs up", async ([, said], { expect }) => {
    const tookMs = await medianOf(5, async () => {
      const asked = Promise.withResolvers<void>();
      await using server = await openModelSocket((socket) => {
        socket.write(said(api), () => setTimeout(asked.resolve, 30));
      });
      const abort = new AbortController();
      const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base });
      const answer = ask(llm, hello, abort.signal);
      await asked.promise;
      const abortedAtMs = performance.now();
      abort.abort();
      const events = await answer;
      const passedMs = performance.now() - abortedAtMs;
      expect(events.map(({ kind }) => kind)).not.toContain("finished");
      await server.hungUp;
      return passedMs;
    });
    expect(tookMs).toBeLessThan(100);
  });

  test("stream() hangs up when its reader leaves", async ({ expect }) => {
    await using server = await openModelSocket((socket) => {
      socket.write(headOf(api) + api.head + api.text("Half") + api.text(" of"));
    });
    const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base });
    const events: LlmEvent[] = [];
    for await (const event of llm.stream(request(hello), new AbortController().signal)) {
      events.push(event);
      if (event.kind === "text") break;
    }
    await server.hungUp;
    expect(textIn(events)).toMatch(/^Half/u);
  });

  test("stream() leaves a reader time that is slower than the limits between tokens", async ({
    expect,
  }) => {
    await using server = await openModelSocket((socket) => {
      socket.write(headOf(api) + api.head + api.text("a"));
      setTimeout(() => socket.end(api.text("b") + api.end("stop")), 10);
    });
    const limits = { firstTokenMs: 5_000, betweenTokensMs: 500 };
    const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base, ...limits });
    let said = "";
    for await (const event of llm.stream(request(hello), new AbortController().signal)) {
      if (event.kind !== "text") continue;
      // Twice the limit, while the other one has come long ago.
      if (said === "") await new Promise((resolve) => setTimeout(resolve, 1_000));
      said += event.delta;
    }
    expect(said).toBe("ab");
  });

  test("stream() makes one attempt", async ({ expect }) => {
    await using server = await openModelSocket((socket) => {
      socket.write(wholeResponse(500, { "content-type": "application/json" }, "{}"));
    });
    await faultOf(ask(api.create({ apiKey: KEY, baseUrl: server.url + api.base }), hello));
    expect(server.requests).toHaveLength(1);
  });
});

function headOf({ contentType }: ModelApi): string {
  return responseHead(200, { "content-type": contentType });
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error("Expected a Fault", { cause: error });
}
