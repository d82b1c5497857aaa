import { test } from "vitest";
import { openLog } from "#infrastructure/telemetry/log.ts";

const CANARY = 'sk canary/+?"9Zq_é\n-end';

test("openLog() writes one JSON object a line with its level, time and fields", async ({
  expect,
}) => {
  const { lines, log } = opened("info");
  log.warn({ turnId: "t1" }, "Slow");
  expect(JSON.parse(lines.join(""))).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-.*Z$/u),
    turnId: "t1",
    msg: "Slow",
  });
});

test("openLog() leaves out what is below its level", ({ expect }) => {
  const { lines, log } = opened("warn");
  log.info({}, "no");
  log.debug({}, "no");
  log.error({}, "yes");
  expect(lines).toHaveLength(1);
});

test("openLog() tells an error with its causes", ({ expect }) => {
  const { lines, log } = opened("info");
  log.error({ error: new Error("outer", { cause: new RangeError("inner") }) }, "Failed");
  expect(lines[0]).toContain("outer");
  expect(lines[0]).toContain("inner");
});

test("openLog() masks secret fields whatever they hold", ({ expect }) => {
  const { lines, log } = opened("info");
  log.info({ token: "abc-1", a: { apiKey: "abc-2", headers: { cookie: "abc-3" } } }, "x");
  expect(lines[0]).not.toContain("abc-");
});

test.for<[string, (secret: string) => string]>([
  ["as it is", (secret) => secret],
  ["in JSON", (secret) => JSON.stringify({ secret })],
  ["URL-encoded", encodeURIComponent],
  [
    "URL-encoded in small letters",
    (s) => encodeURIComponent(s).replaceAll(/%../gu, (c) => c.toLowerCase()),
  ],
  ["as a form", (secret) => new URLSearchParams({ key: secret }).toString()],
  ["in base64", (secret) => Buffer.from(secret).toString("base64")],
  ["in base64url", (secret) => Buffer.from(secret).toString("base64url")],
  ["in basic authorisation", (secret) => Buffer.from(`a:${secret}`).toString("base64")],
  [
    "in basic authorisation of another",
    (secret) => Buffer.from(`ab:${secret}!`).toString("base64"),
  ],
])("openLog() masks a secret value %s", ([, hide], { expect }) => {
  const { lines, log } = opened("info");
  const hidden = hide(CANARY);
  log.info({ deep: { list: [hidden] }, error: new Error(`at ${hidden}`) }, `with ${hidden}`);
  expect(lines[0]).toContain("[redacted]");
  expect(() => JSON.parse(lines[0] ?? "")).not.toThrow();
  const inner = JSON.stringify(hidden).slice(5, -5);
  expect(lines[0]).not.toContain(inner);
  expect(lines[0]).not.toMatch(/canary|Zq_|Y2FuYXJ5/u);
});

test("openLog() keeps a line JSON where a secret looks like a number in it", ({ expect }) => {
  const { lines, log } = opened("info", ["1234", "true"]);
  log.info({ ms: 51_234.5, isLate: true, text: "is it 1234?" }, "x");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    ms: "[redacted]",
    isLate: true,
    text: "is it [redacted]?",
  });
});

test("openLog() leaves other text alone", ({ expect }) => {
  const { lines, log } = opened("info", [undefined, "", "abc"]);
  log.info({ a: "abcdef" }, "abc");
  expect(lines[0]).not.toContain("[redacted]");
});

function opened(level: "info" | "warn", secrets: readonly (string | undefined)[] = [CANARY]) {
  const lines: string[] = [];
  return { lines, log: openLog({ level, secrets, write: (line) => lines.push(line) }) };
}

test("createStreamMask() finds secrets in pieces, those too that came to be known later", ({
  expect,
}) => {
  const log = openLog({ level: "info", secrets: ["abcd-1234"], write: () => undefined });
  const mask = log.createStreamMask();
  log.addSecrets(["hunter2"]);
  const pieces = ["x abcd-", "1234 y hun", "ter2 z"].map((piece) => mask.push(piece));
  expect(pieces.join("") + mask.end()).toBe("x [redacted] y [redacted] z");
});
