import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "vitest";
import { CommandError } from "#presentation/cmd/command-error.ts";
import { createRestClient } from "#presentation/cmd/rest-client.ts";

/** A server that answers everything so. */
async function open(answer: (response: ServerResponse) => void) {
  const server = createServer((_request, response) => answer(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    client: createRestClient(url, "token"),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const NO_NEXFLOW =
  /^What answers at http:\S+ is no Nexflow: expected its JSON; give its address with --url$/u;
const BROKEN = /^The answer of Nexflow at http:\S+ broke off: expected all of it within 10 s$/u;

test.for<[string, (response: ServerResponse) => void, RegExp]>([
  ["a page of a proxy", (response) => response.end("<html>Welcome</html>"), NO_NEXFLOW],
  ["other JSON", (response) => response.end("[1]"), NO_NEXFLOW],
  ["nothing at all", (response) => response.end("null"), NO_NEXFLOW],
  [
    "an answer that breaks off",
    (response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("{", () => response.destroy());
    },
    BROKEN,
  ],
])("%s is told in one sentence", async ([, answer, message], { expect }) => {
  await using server = await open(answer);
  const error: unknown = await server.client
    .listAll("/schedules", "schedules")
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CommandError);
  expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(message) });
});

test("an answer that takes too long is told in one sentence", async ({ expect }) => {
  await using server = await open((response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("{");
  });
  const error: unknown = await server.client.ask("GET", "/me").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CommandError);
  expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(BROKEN) });
});
