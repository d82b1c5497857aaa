import type { Socket } from "node:net";
import type { FaultCode } from "#domain/shared/fault.ts";
import type { ModelLimits } from "#infrastructure/llm/model-limits.ts";
import type { ModelApi } from "./model-apis.ts";
import { responseHead, wholeResponse } from "./model-socket.ts";

/** What services do wrong, and what must come of it. */
export interface ModelFault {
  readonly name: string;
  readonly play: (socket: Socket, api: ModelApi, key: string) => void;
  readonly code: FaultCode;
  readonly retryAfterMs?: number;
  readonly message?: RegExp;
  readonly limits?: Partial<ModelLimits>;
}

/** A time that a test can wait for; the others are longer than any machine stands still. */
const SHORT: Partial<ModelLimits> = { firstTokenMs: 200, betweenTokensMs: 150, totalMs: 60_000 };
/** The same where something was said before: for that there is time. */
const SHORT_BETWEEN: Partial<ModelLimits> = { ...SHORT, firstTokenMs: 10_000 };
const MEGABYTE = "x".repeat(1_000_000);

export const MODEL_FAULTS: readonly ModelFault[] = [
  {
    name: "429 without Retry-After",
    play: (socket, api) => refuse(socket, api, 429, {}),
    code: "LLM_RATE_LIMITED",
  },
  {
    name: "429 with Retry-After in seconds",
    play: (socket, api) => refuse(socket, api, 429, { "retry-after": "7" }),
    code: "LLM_RATE_LIMITED",
    retryAfterMs: 7_000,
  },
  {
    name: "429 with Retry-After-Ms",
    play: (socket, api) => refuse(socket, api, 429, { "retry-after": "7", "retry-after-ms": "12" }),
    code: "LLM_RATE_LIMITED",
    retryAfterMs: 12,
  },
  {
    name: "429 with Retry-After as a date that is over",
    play: (socket, api) =>
      refuse(socket, api, 429, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }),
    code: "LLM_RATE_LIMITED",
    retryAfterMs: 0,
  },
  {
    name: "500",
    play: (socket, api) => refuse(socket, api, 500, {}),
    code: "LLM_UNAVAILABLE",
  },
  {
    name: "529 with Retry-After",
    play: (socket, api) => refuse(socket, api, 529, { "retry-after": "2" }),
    code: "LLM_UNAVAILABLE",
    retryAfterMs: 2_000,
  },
  {
    name: "502 with a web page",
    play: (socket) =>
      socket.write(wholeResponse(502, { "content-type": "text/html" }, "<html>Bad Gateway</html>")),
    code: "LLM_UNAVAILABLE",
    message: /said: a web page$/u,
  },
  {
    name: "500 whose body has no end",
    play: (socket) => {
      socket.write(responseHead(500, { "content-type": "text/plain" }));
      pour(socket, MEGABYTE);
    },
    code: "LLM_UNAVAILABLE",
  },
  {
    name: "500 whose body hangs",
    play: (socket) => socket.write(responseHead(500, { "content-length": "100" })),
    code: "LLM_TIMEOUT",
    limits: SHORT,
  },
  {
    name: "wrong key, shown in the error",
    play: (socket, api, key) =>
      socket.write(json(401, {}, api.error(401, `Incorrect API key provided: ${key}`))),
    code: "LLM_UNAUTHORIZED",
    message: /refused the key for model "[^"]+" \(401\): check [A-Z_]+_API_KEY$/u,
  },
  {
    name: "key shown in another error, whole and in part",
    play: (socket, api, key) =>
      socket.write(json(400, {}, api.error(400, `No ${key}, nor ${key.slice(0, 12)}***, will do`))),
    code: "LLM_REFUSED",
    message: /said: No \[redacted\], nor \[redacted\], will do$/u,
  },
  {
    name: "quota used up",
    play: (socket) => {
      const error = { message: "You exceeded your quota", code: "insufficient_quota" };
      socket.write(json(429, {}, JSON.stringify({ error })));
    },
    code: "LLM_UNAUTHORIZED",
    message: /^The account behind [A-Z_]+ has nothing left for model/u,
  },
  {
    name: "unknown model",
    play: (socket, api) => refuse(socket, api, 404, {}),
    code: "LLM_REFUSED",
    message: /^Cannot find model "[^"]+": 127\.0\.0\.1:\d+ said: No$/u,
  },
  {
    name: "redirect",
    play: (socket) => socket.write(wholeResponse(307, { location: "http://127.0.0.1:1/" }, "")),
    code: "LLM_REFUSED",
  },
  {
    name: "web page instead of an answer",
    play: (socket) =>
      socket.write(wholeResponse(200, { "content-type": "text/html" }, "<!doctype html><p>Hi")),
    code: "LLM_BAD_ANSWER",
    message: /sent a web page, expected a stream of events$/u,
  },
  {
    name: "no HTTP at all",
    play: (socket) => socket.write("220 mail.example.org ESMTP\r\n\r\n"),
    code: "LLM_UNAVAILABLE",
  },
  {
    name: "head without end",
    play: (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx: ");
      pour(socket, MEGABYTE);
    },
    code: "LLM_UNAVAILABLE",
  },
  {
    name: "hang-up before the first byte",
    play: (socket) => socket.destroy(),
    code: "LLM_UNAVAILABLE",
  },
  {
    name: "hang before the first byte",
    play: () => {},
    code: "LLM_TIMEOUT",
    message: /said nothing for 0\.2 s$/u,
    limits: SHORT,
  },
  {
    name: "hang behind the head",
    play: (socket, api) => begin(socket, api, api.head),
    code: "LLM_TIMEOUT",
    message: /said nothing for 0\.2 s$/u,
    limits: SHORT,
  },
  {
    name: "hang in mid-stream",
    play: (socket, api) => begin(socket, api, api.head + api.text("Half")),
    code: "LLM_TIMEOUT",
    message: /said nothing for 0\.15 s$/u,
    limits: SHORT_BETWEEN,
  },
  {
    name: "hang in the middle of an event",
    play: (socket, api) => begin(socket, api, api.head + api.text("Half").slice(0, 20)),
    code: "LLM_TIMEOUT",
    limits: SHORT,
  },
  {
    name: "keep-alives only",
    play: (socket, api) => {
      begin(socket, api, api.head);
      drip(socket, api.keepAlive);
    },
    code: "LLM_TIMEOUT",
    message: /said nothing for 0\.2 s$/u,
    limits: SHORT,
  },
  {
    name: "a byte now and then",
    play: (socket, api) => {
      begin(socket, api, api.head);
      drip(socket, api.text(MEGABYTE), 1);
    },
    code: "LLM_TIMEOUT",
    message: /said nothing for 0\.2 s$/u,
    limits: SHORT,
  },
  {
    name: "a byte of the head now and then",
    play: (socket, api) => drip(socket, responseHead(200, { "content-type": api.contentType }), 1),
    code: "LLM_TIMEOUT",
    limits: SHORT,
  },
  {
    name: "a letter now and then, for ever",
    play: (socket, api) => {
      begin(socket, api, api.head);
      drip(socket, api.text("x"));
    },
    code: "LLM_TIMEOUT",
    message: /took longer than 0\.6 s$/u,
    limits: { firstTokenMs: 10_000, betweenTokensMs: 10_000, totalMs: 600 },
  },
  {
    name: "cut stream",
    play: (socket, api) => socket.end(headOf(api) + api.head + api.text("Half")),
    code: "LLM_BAD_ANSWER",
    message: /was cut off$/u,
  },
  {
    name: "cut stream of known length",
    play: (socket, api) => {
      const headers = { "content-type": api.contentType, "content-length": "100000" };
      socket.end(responseHead(200, headers) + api.head + api.text("Half"));
    },
    code: "LLM_BAD_ANSWER",
    message: /was cut off$/u,
  },
  {
    name: "reset in mid-stream",
    play: (socket, api) => {
      socket.write(headOf(api) + api.head + api.text("Half"), () => {
        setTimeout(() => socket.resetAndDestroy(), 20);
      });
    },
    code: "LLM_BAD_ANSWER",
    message: /was cut off$/u,
  },
  {
    name: "error in mid-stream",
    play: (socket, api, key) => {
      const error = { type: "overloaded_error", message: `Out of memory for ${key}` };
      const text = JSON.stringify({ type: "error", error });
      const event = api.contentType.includes("ndjson") ? `${text}\n` : `data: ${text}\n\n`;
      begin(socket, api, api.head + api.text("Half") + event);
    },
    code: "LLM_UNAVAILABLE",
    message: /failed in mid-answer: .* said: Out of memory for \[redacted\]$/u,
  },
  {
    name: "limit reached in mid-stream",
    play: (socket, api) => {
      const error = { type: "rate_limit_error", message: "Slow down" };
      const text = JSON.stringify({ type: "error", error });
      const event = api.contentType.includes("ndjson") ? `${text}\n` : `data: ${text}\n\n`;
      begin(socket, api, api.head + event);
    },
    code: "LLM_RATE_LIMITED",
  },
  {
    name: "events that are no JSON",
    play: (socket, api) => begin(socket, api, api.head + broken(api, "{oops")),
    code: "LLM_BAD_ANSWER",
    message: /^Cannot read the answer of model/u,
  },
  {
    name: "events that are no objects",
    play: (socket, api) => begin(socket, api, api.head + broken(api, "null")),
    code: "LLM_BAD_ANSWER",
  },
  {
    name: "events of another make",
    play: (socket, api) =>
      begin(
        socket,
        api,
        broken(
          api,
          '{"type":"content_block_start","choices":[{"delta":{"tool_calls":7}}],"message":{"tool_calls":7}}',
        ) + broken(api, '{"type":"response.output_item.done"}'),
      ),
    code: "LLM_BAD_ANSWER",
  },
  {
    name: "100 MB of text",
    play: (socket, api) => {
      begin(socket, api, api.head);
      pour(socket, api.text("x".repeat(10_000)), 10_000);
    },
    code: "LLM_BAD_ANSWER",
    message: /is too long: expected at most 500000 characters$/u,
  },
  {
    name: "100 MB in one event",
    play: (socket, api) => {
      begin(socket, api, `${api.head}data: {"x":"`);
      pour(socket, MEGABYTE, 100);
    },
    code: "LLM_BAD_ANSWER",
    message: /is longer than allowed$/u,
  },
  {
    name: "events without end that say nothing",
    play: (socket, api) => {
      begin(socket, api, api.head);
      pour(socket, api.keepAlive.repeat(10_000));
    },
    code: "LLM_BAD_ANSWER",
    message: /is longer than allowed$/u,
    limits: { maxStreamBytes: 5_000_000 },
  },
];

/** Says the same again as fast as it is read, `times` times or for ever. */
function pour(socket: Socket, text: string, times = Number.POSITIVE_INFINITY): void {
  if (times <= 0) return;
  socket.write(text, (error) => {
    if (!error && !socket.destroyed) pour(socket, text, times - 1);
  });
}

/** Says `text` again and again, or `chars` of it at a time, every 30 ms. */
function drip(socket: Socket, text: string, chars?: number): void {
  let at = 0;
  const timer = setInterval(() => {
    const piece = chars === undefined ? text : text.slice(at, (at += chars));
    socket.write(piece);
  }, 30);
  socket.on("close", () => clearInterval(timer));
}

function refuse(
  socket: Socket,
  api: ModelApi,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  socket.write(json(status, headers, api.error(status, "No")));
}

function json(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  return wholeResponse(status, { "content-type": "application/json", ...headers }, body);
}

function headOf({ contentType }: ModelApi): string {
  return responseHead(200, { "content-type": contentType });
}

function begin(socket: Socket, api: ModelApi, text: string): void {
  socket.write(headOf(api) + text);
}

function broken({ contentType }: ModelApi, data: string): string {
  return contentType.includes("ndjson") ? `${data}\n` : `data: ${data}\n\n`;
}
