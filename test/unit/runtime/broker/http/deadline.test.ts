import { once } from "node:events";
import { describe, test } from "vitest";
import { Deadline } from "../../../../../runtime/broker/http/deadline.ts";

const never = new AbortController().signal;

describe("Deadline", () => {
  test("ends the request when its time is over, and says so", async ({ expect }) => {
    const deadline = new Deadline(never);
    deadline.shortenTo(20);
    await once(deadline.signal, "abort");
    expect(deadline.signal.reason).toEqual(new Error("The request took longer than 20 ms"));
  });

  test("is shortened and never lengthened", async ({ expect }) => {
    const deadline = new Deadline(never);
    for (const timeoutMs of [100_000, 20, 200_000]) deadline.shortenTo(timeoutMs);
    await once(deadline.signal, "abort");
    expect(deadline.signal.reason).toEqual(new Error("The request took longer than 20 ms"));
  });

  test("ends with the call, also where that has ended before", ({ expect }) => {
    const call = new AbortController();
    const deadline = new Deadline(call.signal);
    expect(deadline.signal.aborted).toBe(false);
    call.abort();
    const late = new Deadline(call.signal);
    for (const { signal } of [deadline, late]) {
      expect(signal.reason).toEqual(new Error("The call has ended"));
    }
  });

  test("is over once it is stopped", ({ expect }) => {
    const call = new AbortController();
    const deadline = new Deadline(call.signal);
    deadline.shortenTo(100_000);
    deadline.stop();
    call.abort();
    expect(deadline.signal.aborted).toBe(false);
  });
});
