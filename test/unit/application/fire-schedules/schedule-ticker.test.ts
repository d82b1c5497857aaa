import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { ScheduleTicker } from "../../../../src/application/fire-schedules/schedule-ticker.ts";
import type { FireDue, FireDueResult } from "../../../../src/domain/schedule/firing-log.ts";
import { parseScheduleId } from "../../../../src/domain/shared/id.ts";
import { silentLog } from "../../../support/silent-log.ts";

const scheduleId = parseScheduleId("one");
const NOTHING = { fired: [], leftOut: [], nextAtMs: undefined };
const START = 1_000_000;

describe("ScheduleTicker", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("looks once a second where it knows of no time", async ({ expect }) => {
    const { ticker, looks } = open(() => NOTHING);
    ticker.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(looks()).toEqual([0, 1_000, 2_000, 3_000]);
    await ticker.stop();
  });

  test("looks at the very time that is next", async ({ expect }) => {
    const { ticker, looks } = open((at) => ({
      ...NOTHING,
      nextAtMs: at < 250 ? START + 250 : undefined,
    }));
    ticker.start();
    await vi.advanceTimersByTimeAsync(1_300);
    expect(looks()).toEqual([0, 250, 1_250]);
    await ticker.stop();
  });

  test("goes on at once while there is more, and wakes the workers", async ({ expect }) => {
    let left = 3;
    const { ticker, looks, woken } = open(() => {
      left -= 1;
      const fired = [{ scheduleId, dueAtMs: START }];
      return { fired, leftOut: [], nextAtMs: left > 0 ? START - 1 : START + 60_000 };
    });
    ticker.start();
    await vi.advanceTimersByTimeAsync(500);
    expect(looks()).toEqual([0, 0, 0]);
    expect(woken).toEqual(["firing", "firing", "firing"]);
    await ticker.stop();
  });

  test("leaves what another instance has in hand to that one", async ({ expect }) => {
    const { ticker, looks } = open(() => ({ ...NOTHING, nextAtMs: START - 1 }));
    ticker.start();
    await vi.advanceTimersByTimeAsync(250);
    expect(looks()).toEqual([0, 100, 200]);
    await ticker.stop();
  });

  test("tries again where the store fails", async ({ expect }) => {
    const { ticker, looks } = open((at) => {
      if (at === 0) throw new Error("No store");
      return NOTHING;
    });
    ticker.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks()).toEqual([0, 1_000]);
    await ticker.stop();
  });

  test("stop() waits for the look that is under way; none follows", async ({ expect }) => {
    const going = Promise.withResolvers<FireDueResult>();
    const { ticker, looks } = open(() => going.promise);
    ticker.start();
    await vi.advanceTimersByTimeAsync(10);
    let isStopped = false;
    const stopped = ticker.stop().then(() => (isStopped = true));
    await vi.advanceTimersByTimeAsync(10);
    expect(isStopped).toBe(false);
    going.resolve(NOTHING);
    await stopped;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(looks()).toEqual([0]);
  });
});

function open(answer: (atMs: number) => FireDueResult | Promise<FireDueResult>) {
  const asked: FireDue[] = [];
  const woken: string[] = [];
  const ticker = new ScheduleTicker({
    firings: {
      fireDue: async (input) => {
        asked.push(input);
        return answer(input.nowMs - START);
      },
    },
    jobs: { wake: (queue) => woken.push(queue) },
    nowMs: () => Date.now(),
    log: silentLog,
  });
  return { ticker, woken, looks: () => asked.map(({ nowMs }) => nowMs - START) };
}
