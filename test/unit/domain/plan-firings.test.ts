import { describe, test } from "vitest";
import { CATCH_UP_MOST, planFirings } from "../../../src/domain/schedule/plan-firings.ts";
import type { MissedRule, Schedule } from "../../../src/domain/schedule/schedule.ts";
import { createCronerTimes } from "../../../src/infrastructure/schedules/croner-times.ts";
import { scheduleOf } from "../../support/schedules.ts";

const MINUTE = 60_000;
const cron = createCronerTimes();

describe("planFirings()", () => {
  test("fires each time that is not missed and moves on", ({ expect }) => {
    const { dueAtMs, schedule, hasLeftOut } = plan({ nextAtMs: 10 * MINUTE }, 10 * MINUTE + 300);
    expect(dueAtMs).toEqual([10 * MINUTE]);
    expect(hasLeftOut).toBe(false);
    expect(schedule.state).toEqual({ kind: "active", nextAtMs: 11 * MINUTE });
    expect(schedule.lastFiredAtMs).toBe(10 * MINUTE);
  });

  test("fires each of several times within half a minute, whatever the rule", ({ expect }) => {
    for (const missed of ["skip", "once", "all"] as const) {
      const every = { kind: "every", everyMs: 10_000, anchorMs: 0 } as const;
      const fired = planFirings(
        scheduleOf({ when: every, missed, state: { kind: "active", nextAtMs: 100_000 } }),
        125_000,
        cron,
      );
      expect(fired.dueAtMs, missed).toEqual([100_000, 110_000, 120_000]);
    }
  });

  const missedFive = (missed: MissedRule) =>
    plan({ nextAtMs: 10 * MINUTE, missed }, 14 * MINUTE + 40_000);

  test("skip leaves out what was missed", ({ expect }) => {
    const { dueAtMs, hasLeftOut, schedule } = missedFive("skip");
    expect(dueAtMs).toEqual([]);
    expect(hasLeftOut).toBe(true);
    expect(schedule.state).toEqual({ kind: "active", nextAtMs: 15 * MINUTE });
    expect(schedule.lastFiredAtMs).toBeUndefined();
  });

  test("once fires for the latest of what was missed", ({ expect }) => {
    expect(missedFive("once").dueAtMs).toEqual([14 * MINUTE]);
  });

  test("once fires nothing for missed times beside one that is not missed", ({ expect }) => {
    const { dueAtMs } = plan({ nextAtMs: 10 * MINUTE, missed: "once" }, 14 * MINUTE + 5_000);
    expect(dueAtMs).toEqual([14 * MINUTE]);
  });

  test("all fires for each, oldest first", ({ expect }) => {
    const minutes = [10, 11, 12, 13, 14].map((each) => each * MINUTE);
    expect(missedFive("all")).toMatchObject({ dueAtMs: minutes, hasLeftOut: false });
  });

  test("all makes up for the latest thousand only", ({ expect }) => {
    const nowMs = 5_000 * MINUTE;
    const { dueAtMs, hasLeftOut } = plan({ nextAtMs: MINUTE, missed: "all" }, nowMs);
    expect(dueAtMs).toHaveLength(CATCH_UP_MOST);
    expect(dueAtMs.at(-1)).toBe(nowMs);
    expect(hasLeftOut).toBe(true);
  });

  test("all makes up for missed cron times as well", ({ expect }) => {
    const when = { kind: "cron", expression: "0 9 * * *", timeZone: "Europe/Berlin" } as const;
    const first = Date.UTC(2026, 2, 28, 8);
    const schedule = scheduleOf({
      when,
      missed: "all",
      state: { kind: "active", nextAtMs: first },
    });
    const { dueAtMs } = planFirings(schedule, Date.UTC(2026, 2, 30, 12), cron);
    expect(dueAtMs.map((atMs) => new Date(atMs).toISOString())).toEqual([
      "2026-03-28T08:00:00.000Z",
      "2026-03-29T07:00:00.000Z",
      "2026-03-30T07:00:00.000Z",
    ]);
  });

  test("a schedule for one time ends with it, also when it was missed", ({ expect }) => {
    const when = { kind: "at", atMs: 1_000 } as const;
    for (const [missed, due] of [
      ["once", [1_000]],
      ["skip", []],
    ] as const) {
      const schedule = scheduleOf({ when, missed, state: { kind: "active", nextAtMs: 1_000 } });
      const fired = planFirings(schedule, 500_000, cron);
      expect(fired.dueAtMs).toEqual(due);
      expect(fired.schedule.state).toEqual({ kind: "ended", endedAtMs: 500_000 });
    }
  });

  test("refuses what is not due", ({ expect }) => {
    expect(() => plan({ nextAtMs: 10 * MINUTE }, 9 * MINUTE)).toThrow(RangeError);
    const paused = scheduleOf({ state: { kind: "paused", pausedAtMs: 0 } });
    expect(() => planFirings(paused, 1_000, cron)).toThrow(RangeError);
  });
});

function plan(
  { nextAtMs, missed = "once" }: { nextAtMs: number; missed?: Schedule["missed"] },
  nowMs: number,
) {
  const when = { kind: "every", everyMs: MINUTE, anchorMs: 0 } as const;
  const schedule = scheduleOf({ when, missed, state: { kind: "active", nextAtMs } });
  return planFirings(schedule, nowMs, cron);
}
