import { describe, test } from "vitest";
import { type SlotResult, Slots } from "#infrastructure/llm/routing/slots.ts";
import { VirtualTime } from "../../../../support/virtual-time.ts";

const limits = { concurrency: 2, queue: 2, queueMs: 1_000 };
const noSignal = new AbortController().signal;

describe("Slots", () => {
  test("lets so many through at once, the others in the order they came", async ({ expect }) => {
    const { slots } = create();
    const [one, two] = [taken(slots), taken(slots)];
    const order: string[] = [];
    const third = wait(slots).then((release) => {
      order.push("third");
      return release;
    });
    const fourth = wait(slots).then((release) => {
      order.push("fourth");
      return release;
    });
    one();
    one();
    await third;
    expect(order).toEqual(["third"]);
    two();
    await fourth;
    expect(order).toEqual(["third", "fourth"]);
  });

  test("turns away whom there is no room to wait for", async ({ expect }) => {
    const { slots } = create();
    for (const _ of [1, 2, 3, 4]) void slots.take(limits, noSignal);
    expect(slots.take(limits, noSignal)).toEqual({ kind: "full", waiting: 2 });
  });

  test("lets nobody wait longer than the limit, and gives a left place to the next", async ({
    expect,
  }) => {
    const { slots, time } = create();
    const [one] = [taken(slots), taken(slots)];
    const late = slots.take(limits, noSignal);
    await time.run(600);
    const early = slots.take(limits, noSignal);
    await time.run(400);
    expect(await late).toEqual({ kind: "timed-out", waitedMs: 1_000 });
    one();
    expect(await early).toMatchObject({ kind: "taken" });
  });

  test("ends a wait with its signal", async ({ expect }) => {
    const { slots } = create();
    const [one] = [taken(slots), taken(slots)];
    const abort = new AbortController();
    const gone = slots.take(limits, abort.signal);
    const next = slots.take(limits, noSignal);
    abort.abort();
    expect(await gone).toEqual({ kind: "aborted" });
    one();
    expect(await next).toMatchObject({ kind: "taken" });
    expect(slots.take(limits, abort.signal)).toEqual({ kind: "aborted" });
  });
});

function create() {
  const time = new VirtualTime();
  return { time, slots: new Slots(time.after) };
}

function taken(slots: Slots): () => void {
  return releaseOf(slots.take(limits, noSignal) as SlotResult);
}

async function wait(slots: Slots): Promise<() => void> {
  return releaseOf(await slots.take(limits, noSignal));
}

function releaseOf(result: SlotResult): () => void {
  if (result.kind !== "taken") throw new Error(`Expected a place, not "${result.kind}"`);
  return result.release;
}
