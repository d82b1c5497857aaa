import { describe, test } from "vitest";
import { parseSessionId } from "#domain/shared/id.ts";
import { type Link, LinkBus, type LinkListener } from "#infrastructure/bus/link-bus.ts";
import { createMemoryLog } from "../../../support/memory-log.ts";

const limits = { maxPayloadBytes: 1_000, maxPayloads: 3, maxFrameBytes: 2_000 };
const sessionId = parseSessionId("s1");

/** A wire that brings everything back to its only listener, and can be cut. */
function createWire() {
  const sent: string[] = [];
  let listener: LinkListener | undefined;
  let opened = 0;
  let closed = 0;
  const wire = {
    /** What the next tries to open are answered with. */
    refusals: [] as Error[],
    isMute: false,
    sent,
    get opened() {
      return opened;
    },
    get closed() {
      return closed;
    },
    cut: () => listener?.onLost(new Error("cut")),
    say: (payload: string) => listener?.onPayload(payload),
    openLink: (to: LinkListener): Promise<Link> => {
      const refusal = wire.refusals.shift();
      if (refusal !== undefined) return Promise.reject(refusal);
      listener = to;
      opened += 1;
      return Promise.resolve({
        send: (payloads) => {
          sent.push(...payloads.filter((payload) => payload.includes("messages")));
          if (!wire.isMute) for (const payload of payloads) to.onPayload(payload);
          return Promise.resolve();
        },
        close: () => {
          closed += 1;
          return Promise.resolve();
        },
      });
    },
  };
  return wire;
}

async function openBus(wire: ReturnType<typeof createWire>, beatMs = 10_000) {
  const { log, lines } = createMemoryLog();
  const { openLink } = wire;
  const times = { intervalMs: 1, beatMs, beatTimeoutMs: 30 };
  const bus = await LinkBus.open({ name: "Wire", openLink, limits, log, ...times });
  const heard: string[] = [];
  bus.listen(({ kind }) => heard.push(kind));
  return { bus, heard, lines };
}

describe("LinkBus", () => {
  test("open() rejects where the link cannot be had", async ({ expect }) => {
    const wire = createWire();
    wire.refusals.push(new Error("nobody there"));
    await expect(openBus(wire)).rejects.toThrow("nobody there");
  });

  test("open() rejects where a link brings nothing, and closes it", async ({ expect }) => {
    const wire = createWire();
    wire.isMute = true;
    await expect(openBus(wire)).rejects.toThrow("Nothing came back over Wire within 30 ms");
    expect(wire.closed).toBe(1);
  });

  test("a link that is cut is replaced, and listeners are told", async ({ expect }) => {
    const wire = createWire();
    const { bus, heard, lines } = await openBus(wire);
    wire.refusals.push(new Error("not yet"), new Error("not yet"));
    wire.cut();
    expect(bus.trouble).toMatch(/Wire/u);
    bus.publish({ kind: "follow", sessionId, seq: 4, epoch: 2 });
    const frames = [{ seq: 1, frame: "old" }];
    bus.publish({ kind: "frames", sessionId, epoch: 1, firstSeq: 1, frames });
    await expect.poll(() => heard).toEqual(["reconnected"]);
    expect(bus.trouble).toBeUndefined();
    await expect.poll(() => wire.sent).toHaveLength(1);
    expect(wire.sent[0]).toContain("follow");
    expect(wire.sent[0]).not.toContain("old");
    expect([wire.opened, wire.closed]).toEqual([2, 1]);
    // Not a line for every try.
    expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
    await bus[Symbol.asyncDispose]();
    expect(wire.closed).toBe(2);
  });

  test("a link that brings nothing any more without a word is replaced", async ({ expect }) => {
    const wire = createWire();
    const { bus, heard } = await openBus(wire, 10);
    wire.isMute = true;
    await expect.poll(() => bus.trouble).toBeDefined();
    wire.isMute = false;
    await expect.poll(() => heard).toEqual(["reconnected"]);
    await bus[Symbol.asyncDispose]();
  });

  test("what cannot be understood is no message, and no hindrance", async ({ expect }) => {
    const wire = createWire();
    const { bus, heard } = await openBus(wire);
    wire.say("no JSON");
    wire.say('{"from":"other"}');
    wire.say('{"from":"other","messages":7}');
    wire.say('{"from":"other","messages":[null,{"kind":"of-tomorrow"},{"kind":"follow"}]}');
    wire.say('{"from":"other","messages":[{"kind":"follow","sessionId":"../etc"}]}');
    const message = { kind: "follow", sessionId, seq: 4, epoch: 2, isNew: true };
    wire.say(JSON.stringify({ from: "other", since: 2, messages: [message] }));
    expect(heard).toEqual(["follow"]);
    await bus[Symbol.asyncDispose]();
  });

  test("closing sends what was still to be sent, and ends a wait for the next try", async ({
    expect,
  }) => {
    const wire = createWire();
    const first = await openBus(wire);
    first.bus.publish({ kind: "follow", sessionId, seq: 4, epoch: 2 });
    await first.bus[Symbol.asyncDispose]();
    expect(wire.sent).toHaveLength(1);
    const second = await openBus(wire);
    wire.cut();
    await second.bus[Symbol.asyncDispose]();
    await new Promise((resolve) => setImmediate(resolve));
    expect(wire.opened).toBe(2);
  });
});
