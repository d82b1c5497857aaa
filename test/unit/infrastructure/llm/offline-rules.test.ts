import { describe, test } from "vitest";
import type { ToolOutcome } from "#domain/message/message.ts";
import { parseToolCallId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { createOfflineLlm } from "#infrastructure/llm/offline-rules.ts";
import { calculator, describeLlm, message } from "../../../contract/llm.ts";
import { quickestMs } from "../../../support/timings.ts";

describeLlm("offline/rules", () =>
  Promise.resolve({ llm: createOfflineLlm(), [Symbol.asyncDispose]: () => Promise.resolve() }),
);

const clock: Skill = {
  name: "clock",
  version: "1.0.0",
  description: "Time and dates",
  digest: "1".repeat(64),
  tools: [
    {
      name: "now",
      description: "Tells the time",
      inputSchema: { type: "object", properties: { zone: { type: "string" } } },
      effects: ["read"],
      examples: [
        { text: "what is the time in {zone}?", input: { zone: "{zone}" } },
        { text: "what time is it", input: {} },
      ],
      answer: "It is {time.local} in {zone}",
    },
    {
      name: "add",
      description: "Adds to a date",
      inputSchema: { type: "object", required: ["date", "unit"] },
      effects: ["read"],
      examples: [
        {
          text: "add a {unit} to {date} please",
          input: { date: "{date}", unit: "{unit}", amount: 1 },
        },
      ],
    },
  ],
};

describe("commands", () => {
  test.for([
    ["/calculator 2+2", { expression: "2+2" }],
    ["  /Calculator.Evaluate\n 2 +\n 2 ", { expression: "2 +\n 2" }],
    ['/calculator {"expression":"1"}', { expression: "1" }],
    ["/calculator {1,2}", { expression: "{1,2}" }],
    ["/calculator [1]", { expression: "[1]" }],
  ] as const)("stream() calls the tool for %j", async ([text, input], { expect }) => {
    expect(await read(text)).toEqual({ name: "calculator.evaluate", input });
  });

  test("stream() calls a tool that needs no input without any", async ({ expect }) => {
    expect(await read("/clock")).toEqual({ name: "clock.now", input: {} });
  });

  test("stream() says how to call a tool that takes no free text", async ({ expect }) => {
    expect(await read("/clock.add tomorrow")).toBe(
      'The tool clock.add takes a JSON object. For example: `/clock.add {"date":"…","unit":"…","amount":1}`',
    );
    expect(await read("/calculator")).toBe(
      'The tool calculator.evaluate takes "expression" as text. For example: `/calculator.evaluate 6 * 7`',
    );
  });

  test("stream() names what there is for an unknown skill or tool", async ({ expect }) => {
    expect(await read("/abacus 1")).toBe(
      'There is no skill "abacus". Try one of `/calculator`, `/clock`, or `/help`.',
    );
    expect(await read("/clock.stop")).toBe(
      'The skill clock has no tool "stop". Try one of `/clock.now`, `/clock.add`.',
    );
    expect(await read("/", [])).toBe('There is no skill "": no skills are installed.');
  });

  test("stream() lists the skills for /help", async ({ expect }) => {
    const help = await read("/help");
    expect(help).toContain("**calculator**: Exact arithmetic (`/calculator.evaluate`)");
    expect(help).toContain("**clock**: Time and dates (`/clock.now`, `/clock.add`)");
  });
});

describe("phrases", () => {
  test.for([
    ["what is 2+2", "calculator.evaluate", { expression: "2+2" }],
    ["  WHAT  is\t12 *  3 ?! ", "calculator.evaluate", { expression: "12 *  3" }],
    ["what is 5!?", "calculator.evaluate", { expression: "5!" }],
    ["What time is it?!", "clock.now", {}],
    ["what is the time in Asia/Tokyo?", "clock.now", { zone: "Asia/Tokyo" }],
    [
      "Add a day to to to 2026-01-01 please.",
      "clock.add",
      { unit: "day", date: "to to 2026-01-01", amount: 1 },
    ],
  ] as const)("stream() calls the tool for %j", async ([text, name, input], { expect }) => {
    expect(await read(text)).toEqual({ name, input });
  });

  test.for([
    "what is",
    "what is ?",
    "what time is it now",
    "add a day to please",
    "tell me what is 2",
  ])("stream() finds no phrase in %j", async (text, { expect }) => {
    expect(await read(text)).toContain("not a language model");
  });

  test("stream() reads a capture with capital letters that grow when folded", async ({
    expect,
  }) => {
    expect(await read("what is İİİ ẞ")).toEqual({
      name: "calculator.evaluate",
      input: { expression: "İİİ ẞ" },
    });
  });

  test("stream() reads the longest message in linear time", async ({ expect }) => {
    const tookMs = (count: number) => quickestMs(() => read(`add a ${"to ".repeat(count)}`));
    // Ten times the text: a square would take a hundred times as long.
    expect((await tookMs(300_000)) / (await tookMs(30_000))).toBeLessThan(40);
  });

  test("stream() says what it is, what it can do and how to get a model", async ({ expect }) => {
    expect(await read("Tell me a story")).toMatchInlineSnapshot(`
      "I am Nexflow's built-in rule set, not a language model, and I have no rule for this message.

      What I do understand, for example:

      - \`what is 6 * 7\`
      - \`what time is it\`

      Write \`/help\` for all skills. For real conversation, configure a model: set NEXFLOW_MODEL (for example \`openai/gpt-5-mini\`) and OPENAI_API_KEY, then start Nexflow again."
    `);
  });
});

describe("answers", () => {
  test.for<[JsonValue, string]>([
    [{ time: { local: "10:00" } }, "It is 10:00 in UTC"],
    [{ time: { local: "10:00" }, zone: "Tokyo" }, "It is 10:00 in Tokyo"],
    [{ time: { local: "*a* [b](c)" } }, "It is `*a* [b](c)` in UTC"],
    [{ time: { local: "``x`" } }, "It is ``` ``x` ``` in UTC"],
    [{ time: { local: "a\nb" } }, "It is \n\n```\na\nb\n```\n in UTC"],
    [{ other: 1 }, 'clock.now: `{"other":1}`'],
    ["noon", "clock.now: noon"],
  ])("stream() states the output %j as %j", async ([output, text], { expect }) => {
    expect(await answer({ kind: "ok", output })).toBe(text);
  });

  test("stream() states a failure with its code", async ({ expect }) => {
    const outcome = { kind: "error", code: "wall-time", message: "Stopped after 1000 ms" } as const;
    expect(await answer(outcome)).toBe(
      "clock.now ended with an error (wall-time): Stopped after 1000 ms",
    );
  });

  test("stream() cuts a very long output", async ({ expect }) => {
    const text = await answer({ kind: "ok", output: { time: { local: "x".repeat(100_000) } } });
    expect(text.length).toBeLessThan(4_100);
    expect(text).toContain("x… in UTC");
  });
});

/** What the rules make of `text`: the call, or the words. */
async function read(text: string, skills: readonly Skill[] = [calculator, clock]) {
  const events = createOfflineLlm().stream(
    { system: "", messages: [message("user", { kind: "text", text })], skills },
    new AbortController().signal,
  );
  let said = "";
  for await (const event of events) {
    if (event.kind === "text") said += event.delta;
    if (event.kind !== "tool-call") continue;
    const { name, input } = event;
    return { name, input: input.kind === "json" ? input.value : input.text };
  }
  return said;
}

async function answer(outcome: ToolOutcome): Promise<string> {
  const toolCallId = parseToolCallId("call_1");
  const messages = [
    message("user", { kind: "text", text: "what time is it" }),
    message("assistant", {
      kind: "tool-call",
      toolCallId,
      name: "clock.now",
      input: { zone: "UTC" },
    }),
    message("tool", { kind: "tool-result", toolCallId, outcome }),
  ];
  const events = createOfflineLlm().stream(
    { system: "", messages, skills: [calculator, clock] },
    new AbortController().signal,
  );
  let said = "";
  for await (const event of events) if (event.kind === "text") said += event.delta;
  return said;
}
