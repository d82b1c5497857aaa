import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { whileStoreIsAway } from "#application/ports/while-store-is-away.ts";
import { Fault } from "#domain/shared/fault.ts";

const away = () => new Fault("STORE_UNAVAILABLE", "The disk is full");

/** Work that comes to nothing so often. */
function failing(times: number) {
  const tries = { count: 0 };
  const work = async () => {
    tries.count += 1;
    if (tries.count <= times) throw away();
    return "done";
  };
  return { tries, work };
}

describe("whileStoreIsAway()", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("tries again every half a second until the store is there", async ({ expect }) => {
    const { tries, work } = failing(3);
    const done = whileStoreIsAway(new AbortController().signal, work);
    await vi.advanceTimersByTimeAsync(1_499);
    expect(tries.count).toBe(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(await done).toBe("done");
    expect(tries.count).toBe(4);
  });

  test("gives any other failure at once", async ({ expect }) => {
    const work = async () => {
      throw new Fault("TURN_FENCED", "Cannot write");
    };
    const done = whileStoreIsAway(new AbortController().signal, work);
    await expect(done).rejects.toMatchObject({ code: "TURN_FENCED" });
  });

  test("ends at once when its signal is aborted, before a wait or in it", async ({ expect }) => {
    const stop = new AbortController();
    const waiting = expect(whileStoreIsAway(stop.signal, failing(9).work)).rejects.toBe("over");
    await vi.advanceTimersByTimeAsync(100);
    stop.abort("over");
    await waiting;
    await expect(whileStoreIsAway(stop.signal, failing(9).work)).rejects.toBe("over");
    // What was done in time is done.
    expect(await whileStoreIsAway(stop.signal, failing(0).work)).toBe("done");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("goes on where the reason is not one that ends it", async ({ expect }) => {
    const stop = new AbortController();
    const { tries, work } = failing(3);
    const done = whileStoreIsAway(stop.signal, work, (reason) => reason === "over");
    stop.abort("cancelled");
    await vi.advanceTimersByTimeAsync(1_500);
    expect(await done).toBe("done");
    expect(tries.count).toBe(4);
  });
});
