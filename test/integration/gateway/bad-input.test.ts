import { once } from "node:events";
import net from "node:net";
import { text } from "node:stream/consumers";
import { describe } from "vitest";
import { WebSocket } from "ws";
import type { TestGateway } from "../../support/gateway-client.ts";
import { TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const CASES: readonly [string, string, string][] = [
  ["not JSON", "hello", "it is not JSON"],
  ["nothing", "", "it is not JSON"],
  ["half a frame", '{"type":"ping"', "it is not JSON"],
  ["a list", "[]", "it is no object"],
  ["null", "null", "it is no object"],
  ["no type", "{}", 'field "type" is missing, expected "hello"'],
  ["an unknown type", '{"type":"shutdown"}', 'field "type" is wrong, expected "hello"'],
  ["a type of another kind", '{"type":["ping"],"id":1}', 'field "type" is wrong'],
  ["a missing field", '{"type":"ping"}', 'field "id" is missing, expected an integer'],
  ["a wrong type", '{"type":"ping","id":true}', 'field "id" is wrong, expected an integer'],
  ["a fraction", '{"type":"ping","id":1.5}', 'field "id" is wrong'],
  ["a number that is no safe integer", '{"type":"ping","id":9007199254740993}', 'field "id"'],
  ["an id too long", `{"type":"ping","id":"${"x".repeat(65)}"}`, 'field "id" is wrong'],
  ["an unknown field", '{"type":"ping","id":1,"x":2}', 'field "x" is unknown'],
  ["__proto__", '{"type":"ping","id":1,"__proto__":{}}', 'field "__proto__" is unknown'],
  ["a nested field", '{"type":"ping","id":{"a":1}}', 'field "id" is wrong'],
  ["deep nesting", "[".repeat(60_000), "it is nested too deeply"],
  ["deep objects", `${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`, "it is nested too deeply"],
  ["hello again", '{"type":"hello","token":"x"}', "hello was said already"],
  ["a negative position", '{"type":"subscribe","sessionId":"s","after":-1}', 'field "after"'],
  ["an empty text", '{"type":"send","clientMessageId":"c","text":""}', 'field "text" is wrong'],
  [
    "half a surrogate pair",
    '{"type":"send","clientMessageId":"c","text":"\\ud800"}',
    'field "text" is wrong',
  ],
  [
    "U+0000",
    '{"type":"send","clientMessageId":"c","text":"a\\u0000b"}',
    'field "text" is wrong, expected 1 to 32,768 characters',
  ],
  [
    "a client id of other letters",
    '{"type":"send","clientMessageId":"a b","text":"x"}',
    'field "clientMessageId" is wrong, expected 1 to 64 letters',
  ],
  [
    "a session id of other letters",
    '{"type":"subscribe","sessionId":"../x","after":0}',
    'field "sessionId" is wrong, expected the id of a session',
  ],
];

describe("a bad frame", () => {
  test.for(CASES)("is answered: %s", async ([, frame, problem], { expect, server }) => {
    await using client = await TestClient.signIn(server);
    const answer = await client.ask(frame);
    expect(answer).toMatchObject({ type: "error", code: "bad-frame" });
    expect(answer["message"]).toContain(`Cannot read the frame: ${problem}`);
    expect(answer["message"]).not.toMatch(/\.$/u);
    expect(await client.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });

  test("closes the socket the tenth time", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    for (let i = 0; i < 10; i += 1) client.send("nonsense");
    expect(await client.closed).toMatchObject({ code: 4400 });
    expect(client.frames.filter(({ code }) => code === "bad-frame")).toHaveLength(10);
  });

  test("does not stop the clock of hello, nor pass for it", async ({ expect, server }) => {
    await using client = await TestClient.open(server);
    expect(await client.ask("nonsense")).toMatchObject({ code: "bad-frame" });
    for (let i = 1; i < 10; i += 1) client.send("nonsense");
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  test.for<[string, number, (client: TestClient) => void]>([
    ["a binary frame", 1003, ({ ws }) => ws.send(Buffer.from([1, 2, 3]))],
    ["a frame over 65,536 bytes", 1009, (client) => client.send("x".repeat(65_537))],
    ["a frame far over that", 1006, (client) => client.send("x".repeat(1_000_000))],
  ])("closes the socket: %s", async ([, code, act], { expect, server }) => {
    await using neighbour = await TestClient.signIn(server);
    await using client = await TestClient.signIn(server);
    act(client);
    expect(await client.closed).toMatchObject({ code });
    expect(await neighbour.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });

  test("of exactly 65,536 bytes is read", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const frame = `{"type":"ping","id":1${" ".repeat(65_536 - 22)}}`;
    expect(Buffer.byteLength(frame)).toBe(65_536);
    expect(await client.ask(frame)).toEqual({ type: "pong", id: 1 });
  });

  test("of invalid UTF-8 cuts the line", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    client.ws.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect(await client.closed).toMatchObject({ code: 1006 });
  });
});

describe("an upgrade", () => {
  test.for<[string, number, string | undefined, Record<string, string>]>([
    ["without the subprotocol", 400, undefined, {}],
    ["with another subprotocol", 400, "nexflow.v2", {}],
    ["of a foreign page", 403, "nexflow.v1", { Origin: "https://evil.example" }],
    ["of a sandboxed page", 403, "nexflow.v1", { Origin: "null" }],
    ["of a page on another port", 403, "nexflow.v1", { Origin: "http://127.0.0.1:1" }],
    ["for another host", 421, "nexflow.v1", { Host: "evil.example" }],
    ["for another port", 421, "nexflow.v1", { Host: "127.0.0.1:1" }],
  ])("%s is refused", async ([, status, protocol, headers], { expect, server }) => {
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/ws`, protocol, { headers });
    const [, response] = (await once(ws, "unexpected-response")) as [
      unknown,
      NodeJS.ReadableStream & { statusCode: number },
    ];
    expect(response.statusCode).toBe(status);
    expect(JSON.parse(await text(response))).toMatchObject({ status });
  });

  test("of our own page passes, under each of our names", async ({ expect, server }) => {
    const { port } = server.gateway;
    for (const name of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"]) {
      const host = `${name}:${port}`;
      const headers = { host, origin: `http://${host.toLowerCase()}` };
      // oxlint-disable-next-line no-await-in-loop -- one client after the other
      await using client = await TestClient.open(server, headers);
      expect(client.ws.protocol).toBe("nexflow.v1");
    }
  });

  test("that is none is a page that does not exist", async ({ expect, server }) => {
    expect((await fetch(`${server.url}/ws`)).status).toBe(404);
  });
});

describe("malformed HTTP", () => {
  test.for<[string, string, RegExp]>([
    ["garbage", "GARBAGE\r\n\r\n", /^$|^HTTP\/1\.1 400/u],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", /^$|^HTTP\/1\.1 4/u],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      /^HTTP\/1\.1 400/u,
    ],
    [
      "endless headers",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431/u,
    ],
    ["another version", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 505/u],
    [
      "a path outside",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
      /^HTTP\/1\.1 404/u,
    ],
    [
      "an encoded path outside",
      "GET /assets/..%2f..%2fx HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
      /^HTTP\/1\.1 404/u,
    ],
  ])("is refused: %s", async ([, request, answer], { expect, server }) => {
    await using neighbour = await TestClient.signIn(server);
    const head = await talk(server, request);
    expect(head).toMatch(answer);
    expect(await neighbour.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });
});

/** Writes raw bytes and reads until the first answer or the end. */
async function talk({ gateway }: TestGateway, request: string): Promise<string> {
  const socket = net.connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.end(request.replace("HOST", `127.0.0.1:${gateway.port}`));
  const answer = await Promise.race([
    once(socket, "data").then(([data]) => String(data)),
    once(socket, "close").then(() => ""),
  ]);
  socket.destroy();
  return answer;
}
