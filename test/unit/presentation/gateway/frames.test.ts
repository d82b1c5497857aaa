import { describe, test } from "vitest";
import {
  isPlainPing,
  parseClientFrame,
  refOf,
  turnIntoPong,
} from "#presentation/gateway/frames.ts";
import { medianOf } from "../../../support/timings.ts";

const PLAIN: readonly unknown[] = [0, 7, -7, 123_456_789_012_345, "", "a-b_C9", "x".repeat(64)];

/** Frames near a plain ping: each of these pieces may be swapped, doubled or left out. */
const PIECES = ["{", '"type"', ":", '"ping"', ",", '"id"', "1", "-", "0", '"a b"', '"é"', " ", "}"];

describe("isPlainPing()", () => {
  test.for(PLAIN)("knows the ping of %j and makes its pong", (id, { expect }) => {
    const text = JSON.stringify({ type: "ping", id });
    expect(isPlainPing(text)).toBe(true);
    const bytes = new Uint8Array(new TextEncoder().encode(text)).buffer;
    expect(JSON.parse(Buffer.from(turnIntoPong(bytes)).toString())).toEqual({ type: "pong", id });
  });

  test("accepts nothing that the parser refuses", ({ expect }) => {
    const random = createRandom(42);
    const plain = ["{", '"type"', ":", '"ping"', ",", '"id"', ":", "1", "}"];
    let accepted = 0;
    for (let i = 0; i < 50_000; i += 1) {
      const pieces = [...plain];
      const piece = PIECES[random(PIECES.length)] ?? "";
      pieces.splice(random(pieces.length), random(3), ...(random(2) === 0 ? [piece] : []));
      const text = pieces.join("");
      if (!isPlainPing(text)) continue;
      accepted += 1;
      expect(parseClientFrame(text), text).toMatchObject({ kind: "ok", value: { type: "ping" } });
    }
    expect(accepted).toBeGreaterThan(1_000);
  });

  test.for([
    '{"type":"ping","id":01}',
    '{"type":"ping","id":-0}',
    '{"type":"ping","id":1234567890123456}',
    '{"type":"ping","id":"\\u0041"}',
    '{"type":"ping","id":1}\n',
    ' {"type":"ping","id":1}',
  ])("leaves %j to the parser", (text, { expect }) => {
    expect(isPlainPing(text)).toBe(false);
  });
});

describe("parseClientFrame()", () => {
  test.for<object>([
    { type: "hello" },
    { type: "hello", token: "t".repeat(512) },
    { type: "send", clientMessageId: "a", text: "\u{1f600}".repeat(16_384) },
    { type: "send", clientMessageId: "a", text: "x", sessionId: "s-1" },
    { type: "subscribe", sessionId: "s", after: 0 },
    { type: "subscribe", sessionId: "s", after: Number.MAX_SAFE_INTEGER, epoch: 0 },
    { type: "cancel", turnId: "t" },
    { type: "ping", id: '{"[[[[[[[[[[\\' },
  ])("reads %j", (frame, { expect }) => {
    expect(parseClientFrame(JSON.stringify(frame))).toEqual({ kind: "ok", value: frame });
  });

  test("never shows a token that is wrong", ({ expect }) => {
    const token = "secret".repeat(100);
    expect(JSON.stringify(parseClientFrame(JSON.stringify({ type: "hello", token })))).toContain(
      'field \\"token\\" is wrong, expected a token of at most 512 characters',
    );
    const { message } = parseClientFrame(JSON.stringify({ type: "hello", token })) as {
      message: string;
    };
    expect(message).not.toContain("secret");
  });

  test("reads 64 KiB of brackets in no time", async ({ expect }) => {
    const texts = ["[".repeat(65_536), `{"a":"${"\\".repeat(65_000)}`, '"'.repeat(65_536)];
    for (const text of texts) {
      const tookMs = await medianOf(9, () => {
        const startedAt = performance.now();
        expect(parseClientFrame(text)).toMatchObject({ kind: "bad" });
        return performance.now() - startedAt;
      });
      expect(tookMs).toBeLessThan(50);
    }
  });
});

describe("refOf()", () => {
  test.for<[unknown, string | undefined]>([
    [{ type: "send", clientMessageId: "c1" }, "c1"],
    [{ type: "subscribe", sessionId: "s1" }, "s1"],
    [{ type: "cancel", turnId: "t1" }, "t1"],
    [{ type: "send", clientMessageId: "not an id" }, undefined],
    [{ type: "send", clientMessageId: 7 }, undefined],
    [{ type: "other", clientMessageId: "c1" }, undefined],
    [[], undefined],
    [undefined, undefined],
    [null, undefined],
  ])("of %j is %s", ([raw, ref], { expect }) => {
    expect(refOf(raw)).toBe(ref);
  });
});

/** The same numbers each time: from 0 to below `limit`. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
