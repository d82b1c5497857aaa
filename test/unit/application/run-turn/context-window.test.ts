import { describe, test } from "vitest";
import { fitToBudget } from "#application/run-turn/context-window.ts";
import { type Message, textOf } from "#domain/message/message.ts";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";

/** Messages named for their turn and place, each of ten tokens: 24 characters and the frame. */
function turn(name: string, messages: number): Message[] {
  return Array.from({ length: messages }, (_, at) => ({
    id: parseMessageId(`${name}-${at}`),
    sessionId: parseSessionId("s1"),
    turnId: parseTurnId(name),
    role: at === 0 ? "user" : "assistant",
    parts: [{ kind: "text", text: `${name}${at}`.padEnd(24, ".") }],
    isComplete: true,
    createdAtMs: 0,
  }));
}

describe("fitToBudget()", () => {
  const history = [...turn("a", 2), ...turn("b", 3), ...turn("c", 1)];

  test.for([
    [60, "aabbbc"],
    [59, "bbbc"],
    [40, "bbbc"],
    [39, "c"],
    [10, "c"],
    [1, "c"],
  ] as const)("of 60 tokens %i leave the turns %s", ([budget, expected], { expect }) => {
    const kept = fitToBudget(history, budget);
    expect(kept.map((message) => textOf(message)[0]).join("")).toBe(expected);
  });

  test("nothing fits into anything", ({ expect }) => {
    expect(fitToBudget([], 0)).toEqual([]);
  });
});
