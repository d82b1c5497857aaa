import { test } from "vitest";
import { CANCELLED, TurnSignal } from "#application/run-turn/turn-signal.ts";
import { Fault } from "#domain/shared/fault.ts";

const late = () => new Fault("TURN_TIMEOUT", "Too late");

test("race() on a signal that is aborted leaves no failure unhandled", async ({ expect }) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection").on("unhandledRejection", note);
  const stop = new TurnSignal(AbortSignal.abort(CANCELLED), 1_000, late);
  try {
    await expect(stop.race(Promise.reject(new Error("away")))).rejects.toBe(CANCELLED);
    await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    stop.close();
    process.off("unhandledRejection", note);
    for (const other of others) process.on("unhandledRejection", other);
  }
  expect(unhandled).toEqual([]);
});

test("limit() with nothing left aborts at once, and not when it is closed", ({ expect }) => {
  const spent = new Fault("BUDGET_EXCEEDED", "No time is left");
  for (const leftMs of [0, -5]) {
    const stop = new TurnSignal(new AbortController().signal, 1_000, late);
    stop.limit(leftMs, spent);
    expect(stop.reason).toBe(spent);
    stop.close();
  }
  const closed = new TurnSignal(new AbortController().signal, 1_000, late);
  closed.close();
  closed.limit(0, spent);
  expect(closed.isAborted).toBe(false);
});
