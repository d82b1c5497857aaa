import { describe, test } from "vitest";
import { CallSlots } from "../../../../runtime/supervisor/call-slots.ts";

const user = { name: "user alice", most: 1 };
const skill = { name: "skill d1", most: 2 };
const NO_WAIT = { waitMs: 0, signal: undefined };
const LONG = { waitMs: 60_000, signal: undefined };

describe("CallSlots", () => {
  test("names the slot that stayed full", async ({ expect }) => {
    const slots = new CallSlots();
    expect(slots.take([skill, user], NO_WAIT)).toEqual({ kind: "taken" });
    expect(await slots.take([skill, user], NO_WAIT)).toEqual({ kind: "full", slot: user });
  });

  test("takes all or none", async ({ expect }) => {
    const slots = new CallSlots();
    void slots.take([user], NO_WAIT);
    await slots.take([skill, user], NO_WAIT);
    expect(slots.take([skill], NO_WAIT)).toEqual({ kind: "taken" });
    expect(slots.take([skill], NO_WAIT)).toEqual({ kind: "taken" });
    expect(await slots.take([skill], NO_WAIT)).toMatchObject({ kind: "full" });
  });

  test("gives a freed slot to who waited longest", async ({ expect }) => {
    const slots = new CallSlots();
    void slots.take([user], LONG);
    const order: number[] = [];
    const waiting = [1, 2].map(async (number) => {
      await slots.take([user], LONG);
      order.push(number);
      slots.free([user]);
    });
    slots.free([user]);
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
  });

  test("lets go of who is cancelled while waiting", async ({ expect }) => {
    const slots = new CallSlots();
    const controller = new AbortController();
    void slots.take([user], LONG);
    const waiting = slots.take([user], { waitMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await waiting).toEqual({ kind: "cancelled" });
    slots.free([user]);
    expect(slots.take([user], NO_WAIT)).toEqual({ kind: "taken" });
  });
});
