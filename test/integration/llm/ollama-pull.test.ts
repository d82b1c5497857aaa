import { test } from "vitest";
import type { PullProgress } from "#application/ports/model-trials.ts";
import { Fault } from "#domain/shared/fault.ts";
import { pullOllamaModel } from "#infrastructure/llm/ollama-pull.ts";
import { openModelSocket, responseHead } from "../../support/model-socket.ts";

const HEAD = responseHead(200, { "content-type": "application/x-ndjson" });
const LINES = [
  { status: "pulling manifest" },
  { status: "pulling 6a0746a1ec1a", digest: "sha256:6a07", total: 4_661_211_424 },
  { status: "pulling 6a0746a1ec1a", digest: "sha256:6a07", total: 4_661_211_424, completed: 2_048 },
  { status: "verifying sha256 digest" },
  { status: "success" },
].map((each) => `${JSON.stringify(each)}\n`);

test("pullOllamaModel() tells how far the server is, until it has the model", async ({
  expect,
}) => {
  await using server = await openModelSocket((socket) => socket.write(HEAD + LINES.join("")));
  expect(await pull(server.url)).toEqual([
    { status: "pulling manifest" },
    { status: "pulling 6a0746a1ec1a", totalBytes: 4_661_211_424 },
    { status: "pulling 6a0746a1ec1a", totalBytes: 4_661_211_424, doneBytes: 2_048 },
    { status: "verifying sha256 digest" },
    { status: "success" },
  ]);
  expect(server.requests).toMatchObject([{ body: '{"name":"llama3.2:1b","stream":true}' }]);
});

test("pullOllamaModel() says what the server says of a model that it cannot get", async ({
  expect,
}) => {
  const error = '{"error":"pull model manifest: file does not exist"}\n';
  await using server = await openModelSocket((socket) => socket.end(HEAD + LINES[0] + error));
  await expect(pull(server.url)).rejects.toThrow("pull model manifest: file does not exist");
});

test("pullOllamaModel() takes a cut answer for no success", async ({ expect }) => {
  await using server = await openModelSocket((socket) => socket.end(HEAD + LINES[0]));
  await expect(pull(server.url)).rejects.toThrow(Fault);
});

test("pullOllamaModel() ends with its signal, and hangs up", async ({ expect }) => {
  await using server = await openModelSocket((socket) => socket.write(HEAD + LINES[0]));
  const abort = new AbortController();
  const progress: PullProgress[] = [];
  for await (const each of pullOllamaModel(optionsFor(server.url), abort.signal)) {
    progress.push(each);
    setTimeout(() => abort.abort(), 20);
  }
  expect(progress).toEqual([{ status: "pulling manifest" }]);
  await server.hungUp;
});

async function pull(baseUrl: string): Promise<PullProgress[]> {
  const progress: PullProgress[] = [];
  for await (const each of pullOllamaModel(optionsFor(baseUrl), new AbortController().signal)) {
    progress.push(each);
  }
  return progress;
}

function optionsFor(baseUrl: string) {
  return { model: "llama3.2:1b", apiKey: undefined, baseUrl };
}
