import { describe, test } from "vitest";
import { parseBusMessage } from "#application/ports/bus.ts";

const frame = (seq: number) => ({ seq, frame: "{}" });
const frames = { kind: "frames", sessionId: "s1", epoch: 1, firstSeq: 2 };

describe("parseBusMessage()", () => {
  test("takes what a newer version says more", ({ expect }) => {
    const message = { kind: "run-lost", sessionId: "s1" };
    expect(parseBusMessage({ ...message, why: "power cut" })).toEqual(message);
    expect(parseBusMessage({ ...frames, frames: [frame(2), frame(3)] })).toBeDefined();
  });

  test.for([
    ["a kind of another version", { kind: "of-tomorrow", sessionId: "s1" }],
    ["a missing field", { kind: "session-moved", sessionId: "s1", seq: 1 }],
    ["an id that is none", { kind: "run-lost", sessionId: "../s1" }],
    ["no frames", { ...frames, frames: [] }],
    ["frames with a gap", { ...frames, frames: [frame(2), frame(4)] }],
    ["frames in another order", { ...frames, frames: [frame(3), frame(2)] }],
    ["frames from before their run", { ...frames, frames: [frame(1), frame(2)] }],
    ["no object", "run-lost"],
    ["nothing", null],
  ])("is undefined for %s", ([, raw], { expect }) => {
    expect(parseBusMessage(raw)).toBeUndefined();
  });
});
