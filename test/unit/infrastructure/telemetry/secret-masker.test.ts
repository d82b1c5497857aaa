import { test } from "vitest";
import { formsOf } from "#infrastructure/telemetry/secret-forms.ts";
import {
  isSecretInLogs,
  isSecretInSpeech,
  SecretMasker,
} from "#infrastructure/telemetry/secret-masker.ts";
import { quickestMs } from "../../../support/timings.ts";

const SECRET = 'sk-canary/+?"9Zq_é\n-end';
const OTHER = "sk-canary-2-0123456789";

test("SecretMasker.mask() masks every form of a secret and nothing beside it", ({ expect }) => {
  const masker = new SecretMasker(isSecretInSpeech, [SECRET, OTHER]);
  for (const form of [...formsOf(SECRET), ...formsOf(OTHER)]) {
    expect(masker.mask(`a ${form} b ${form}`)).toBe("a [redacted] b [redacted]");
  }
  expect(masker.mask("sk-canary is no secret")).toBe("sk-canary is no secret");
});

test("SecretMasker.mask() takes the longer of two secrets that begin alike", ({ expect }) => {
  const masker = new SecretMasker(isSecretInLogs, ["abcd", "abcdefgh"]);
  expect(masker.mask("abcdefgh abcdef abcd")).toBe("[redacted] [redacted]ef [redacted]");
});

test("SecretMasker.maskJson() masks texts, keys and numbers, and gives back what has none", ({
  expect,
}) => {
  const masker = new SecretMasker(isSecretInLogs, [OTHER, "771234567"]);
  const clean = { list: [1, "two", { three: null }], isTrue: true };
  expect(masker.maskJson(clean)).toBe(clean);
  expect(masker.maskJson({ [OTHER]: [7_712_345_678, `x${OTHER}`, { ok: [OTHER] }] })).toEqual({
    "[redacted]": ["[redacted]", "x[redacted]", { ok: ["[redacted]"] }],
  });
});

test("a stream masks a secret however it is split, and shows the same as the whole text", ({
  expect,
}) => {
  const masker = new SecretMasker(isSecretInSpeech, [SECRET, OTHER]);
  for (const form of [...formsOf(SECRET), ...formsOf(OTHER)]) {
    const text = `so ${form}${form.slice(0, 7)} and ${form}`;
    for (const size of [1, 2, 3, 5, 7, 11, 64]) {
      expect(shownBy(masker, text, size)).toBe(masker.mask(text));
    }
  }
});

test("a stream holds back only what may be the beginning of a secret", ({ expect }) => {
  const stream = new SecretMasker(isSecretInSpeech, [OTHER]).createStream();
  expect(stream.push("The key is ")).toBe("The key is ");
  expect(stream.push("sk-can")).toBe("");
  expect(stream.push("dy, and ")).toBe("sk-candy, and ");
  expect(stream.push("sk-canary")).toBe("");
  expect(stream.end()).toBe("sk-canary");
  expect(stream.push("-2-0123456789.")).toBe("-2-0123456789.");
  expect(stream.end()).toBe("");
});

test("a stream masks the shorter of two secrets when the longer did not come", ({ expect }) => {
  const masker = new SecretMasker(isSecretInLogs, ["abcd", "abcdefgh"]);
  expect(shownBy(masker, "abcdef", 1)).toBe("[redacted]ef");
  expect(shownBy(masker, "abcdefgh", 2)).toBe("[redacted]");
});

test("SecretMasker knows at once what is added later, to streams that run too", ({ expect }) => {
  const masker = new SecretMasker(isSecretInSpeech);
  const stream = masker.createStream();
  expect(stream.push(OTHER)).toBe(OTHER);
  masker.add([OTHER, undefined]);
  expect(stream.push(OTHER)).toBe("[redacted]");
  expect(masker.mask(OTHER)).toBe("[redacted]");
});

test.for([
  ["postgres", false],
  ["Password", false],
  ["12345678", false],
  ["short-1", false],
  ["correcthorsebatterystaple", true],
  ["hunter2-hunter2", true],
])('isSecretInSpeech("%s") is %s', ([value, isMasked], { expect }) => {
  expect(isSecretInSpeech(String(value))).toBe(isMasked);
});

test("SecretMasker costs next to nothing for text without secrets", async ({ expect }) => {
  const secrets = Array.from({ length: 30 }, (_, at) => `sk-${at}-${"x1Y2".repeat(8)}${at}`);
  const stream = new SecretMasker(isSecretInSpeech, secrets).createStream();
  const deltas = Array.from({ length: 20_000 }, (_, at) => ` word${at}`);
  for (const delta of deltas) stream.push(delta);
  const roundMs = await quickestMs(() => {
    for (const delta of deltas) stream.push(delta);
  });
  // 0.2 us on the machine of the benchmarks; a model's delta costs hundreds.
  expect((roundMs * 1_000) / deltas.length).toBeLessThan(5);
});

function shownBy(masker: SecretMasker, text: string, size: number): string {
  const stream = masker.createStream();
  let shown = "";
  for (let at = 0; at < text.length; at += size) shown += stream.push(text.slice(at, at + size));
  return shown + stream.end();
}
