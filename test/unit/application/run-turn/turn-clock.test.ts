import { afterEach, beforeEach, test, vi } from "vitest";
import { TurnClock } from "#application/run-turn/turn-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("TurnClock has all that run keep their time, with one timer that stops with the last", ({
  expect,
}) => {
  const clock = new TurnClock();
  expect(vi.getTimerCount()).toBe(0);
  const turns = [1, 2].map(() => ({ keepTime: vi.fn<() => Promise<void>>() }));
  for (const turn of turns) clock.add(turn);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(500);
  expect(turns.map(({ keepTime }) => keepTime.mock.calls.length)).toEqual([2, 2]);
  const [first, second] = turns;
  if (first === undefined || second === undefined) return;
  clock.remove(first);
  vi.advanceTimersByTime(250);
  expect(turns.map(({ keepTime }) => keepTime.mock.calls.length)).toEqual([2, 3]);
  clock.remove(second);
  vi.advanceTimersByTime(250);
  expect(vi.getTimerCount()).toBe(0);
  clock.add(first);
  vi.advanceTimersByTime(250);
  expect(turns.map(({ keepTime }) => keepTime.mock.calls.length)).toEqual([3, 3]);
});
