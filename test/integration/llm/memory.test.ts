import { describe, test } from "vitest";
import { ask, message, request } from "../../contract/llm.ts";
import { MODEL_APIS } from "../../support/model-apis.ts";
import { MODEL_FAULTS } from "../../support/model-faults.ts";
import { openModelSocket, responseHead } from "../../support/model-socket.ts";

const KEY = "sk-canary-1234567890";
const MOST_BYTES = 48_000_000;
const hello = [message("user", { kind: "text", text: "hello" })];
const ENDLESS = MODEL_FAULTS.filter(({ name }) => /100 MB|without end|no end/u.test(name));

describe.for(MODEL_APIS)("memory with $name", (api) => {
  test.for(ENDLESS.map((fault) => [fault.name, fault] as const))(
    "stream() does not grow: %s",
    async ([, fault], { expect }) => {
      await using server = await openModelSocket((socket) => fault.play(socket, api, KEY));
      const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base, ...fault.limits });
      await using peak = watchMemory();
      await expect(ask(llm, hello)).rejects.toThrow();
      expect(peak.grownBytes()).toBeLessThan(MOST_BYTES);
    },
  );

  test("stream() has a service wait for a reader who takes his time", async ({ expect }) => {
    let sentBytes = 0;
    await using server = await openModelSocket((socket) => {
      const text = api.text("x".repeat(10_000));
      const pour = () =>
        socket.write(text, (error) => {
          sentBytes += text.length;
          if (!error && !socket.destroyed) pour();
        });
      socket.write(responseHead(200, { "content-type": api.contentType }) + api.head);
      pour();
    });
    const limits = { maxAnswerChars: 1_000_000_000 };
    const llm = api.create({ apiKey: KEY, baseUrl: server.url + api.base, ...limits });
    await using peak = watchMemory();
    for await (const event of llm.stream(request(hello), new AbortController().signal)) {
      if (event.kind !== "text") continue;
      await new Promise((resolve) => setTimeout(resolve, 300));
      break;
    }
    // What lies in the system's own buffers counts as sent.
    expect(sentBytes).toBeLessThan(30_000_000);
    expect(peak.grownBytes()).toBeLessThan(MOST_BYTES);
  });
});

/** The most that memory has grown by since. */
function watchMemory() {
  const used = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, used())), 2);
  return {
    grownBytes: () => Math.max(most, used()) - before,
    [Symbol.asyncDispose]: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}
