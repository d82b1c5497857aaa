import { test } from "vitest";
import { estimateTokens } from "#domain/spend/estimate-tokens.ts";
import { loadTokenizer } from "#infrastructure/llm/load-tokenizer.ts";
import { createRandom } from "../../../support/seeded-random.ts";
import { cpuMsOf } from "../../../support/timings.ts";

/** So many are counted of a longer text, too. */
const SHORT_CHARS = 8_192;
let seed = 7;
const PROSE = "Whoever opens a thing closes it; every wait has an end. ".repeat(100);

test("loadTokenizer() knows how OpenAI's models count, and no others", async ({ expect }) => {
  const count = await loadTokenizer("openai/gpt-5-mini");
  expect(count?.("hello world")).toBe(2);
  expect(count?.("")).toBe(0);
  expect(await loadTokenizer("anthropic/claude-opus-5")).toBeUndefined();
  expect(await loadTokenizer("offline/rules")).toBeUndefined();
});

test("words that are commands to models are counted as text", async ({ expect }) => {
  const count = await loadTokenizer("openai/gpt-5-mini");
  expect(count?.("<|endoftext|> and <|im_start|>")).toBeGreaterThan(5);
});

test("a text in pieces, or in samples, comes to nearly what it does whole", async ({ expect }) => {
  const count = await loadTokenizer("openai/gpt-5-mini");
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  const whole = countTokens(PROSE);
  expect(count?.(PROSE)).toBeGreaterThanOrEqual(whole);
  expect(count?.(PROSE)).toBeLessThan(whole * 1.02);
  const twenty = PROSE.repeat(20);
  expect((count?.(twenty) ?? 0) / (whole * 20)).toBeCloseTo(1, 1);
});

test.for([
  ["one letter", () => "a".repeat(1_000_000)],
  ["one sign", () => "中".repeat(1_000_000)],
  ["white space", () => " ".repeat(1_000_000)],
  ["emoji", () => "😀".repeat(500_000)],
  ["signs at random", () => randomText(1_000_000, 0x4e00, 5_000)],
  ["letters at random", () => randomText(1_000_000, 97, 26)],
] as const)(
  "a million times %s is counted in the time that a few thousand letters take",
  async ([, make], { expect }) => {
    const count = await loadTokenizer("openai/gpt-5-mini");
    const text = make();
    let tokens = 0;
    const took = await cpuMsOf(() => (tokens = count?.(text) ?? 0));
    // None of these words is remembered from before.
    const short = randomText(SHORT_CHARS, 97, 26, ++seed);
    const tookShort = await cpuMsOf(() => count?.(short));
    // All of it would take a hundred times as long, and uncut from minutes to hours.
    expect(took / tookShort).toBeLessThan(15);
    expect(tokens).toBeGreaterThan(1_000);
  },
);

test.for([
  ["English", PROSE],
  [
    "code",
    "export function sum(items: readonly number[]) {\n  return items.reduce((a, b) => a + b, 0);\n}\n",
  ],
  ["German", "Wer etwas öffnet, schließt es auch; jedes Warten hat ein Ende. "],
  ["Russian", "Кто что-то открывает, тот это и закрывает; всякое ожидание имеет конец. "],
  ["Chinese", "谁打开了东西，谁就要把它关上；每一次等待都有尽头。"],
  ["random letters", randomText(2_000, 97, 26)],
] as const)(
  "the estimate of %s is within a factor of two and a half",
  async ([, text], { expect }) => {
    const count = await loadTokenizer("openai/gpt-5-mini");
    const ratio = estimateTokens(text) / (count?.(text) ?? 0);
    expect(ratio).toBeGreaterThan(0.45);
    expect(ratio).toBeLessThan(2.5);
  },
);

function randomText(chars: number, from: number, kinds: number, seed = 7): string {
  const random = createRandom(seed);
  return Array.from({ length: chars }, () =>
    String.fromCharCode(from + Math.floor(random() * kinds)),
  ).join("");
}
