import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/*
 * The model of the `overhead` benchmark, a process of its own that speaks OpenAI's Chat Completions:
 * the same 20 tokens to whatever is asked, each in a packet of its own, as fast as it can. Tells its
 * parent where it is.
 */

const WORDS = 20;

const words = Array.from({ length: WORDS }, (_, at) => chunk({ delta: { content: `word${at} ` } }));
const end =
  chunk({ delta: {}, finish_reason: "stop" }) +
  chunk(undefined, { prompt_tokens: 20, completion_tokens: WORDS, total_tokens: WORDS + 20 }) +
  "data: [DONE]\n\n";
const pieces = [...words.slice(0, -1), (words.at(-1) ?? "") + end].map((text) => Buffer.from(text));

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let at = 0;
    const say = () => {
      const piece = pieces[at];
      at += 1;
      if (at === pieces.length) response.end(piece);
      else if (!response.destroyed && response.write(piece)) setImmediate(say);
    };
    say();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", 1_024, () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
});

function chunk(choice: object | undefined, usage?: object): string {
  const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "mock" };
  const choices = choice === undefined ? [] : [{ index: 0, finish_reason: null, ...choice }];
  return `data: ${JSON.stringify({ ...head, choices, ...(usage && { usage }) })}\n\n`;
}
