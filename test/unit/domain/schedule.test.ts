import { describe, test } from "vitest";
import {
  advanceSchedule,
  pauseSchedule,
  resumeSchedule,
  sessionOf,
} from "../../../src/domain/schedule/schedule.ts";
import { latestTimes, nextTime } from "../../../src/domain/schedule/schedule-times.ts";
import { parseSessionId } from "../../../src/domain/shared/id.ts";
import { createCronerTimes } from "../../../src/infrastructure/schedules/croner-times.ts";
import { scheduleOf } from "../../support/schedules.ts";

const cron = createCronerTimes();

describe("schedules", () => {
  test("active -> paused -> active, with the next time from now", ({ expect }) => {
    const paused = pauseSchedule(scheduleOf(), 70_000);
    expect(paused.state).toEqual({ kind: "paused", pausedAtMs: 70_000 });
    const resumed = resumeSchedule(paused, 200_000, cron);
    expect(resumed.state).toEqual({ kind: "active", nextAtMs: 240_000 });
  });

  test("paused -> ended where its one time passed meanwhile", ({ expect }) => {
    const when = { kind: "at", atMs: 60_000 } as const;
    const paused = pauseSchedule(scheduleOf({ when }), 1_000);
    expect(resumeSchedule(paused, 60_000, cron).state).toEqual({
      kind: "ended",
      endedAtMs: 60_000,
    });
  });

  test("each transition asserts the state it starts from", ({ expect }) => {
    const active = scheduleOf();
    const paused = pauseSchedule(active, 0);
    const ended = scheduleOf({ state: { kind: "ended", endedAtMs: 0 } });
    expect(() => pauseSchedule(paused, 0)).toThrow(/Cannot pause.*"paused", expected active/u);
    expect(() => pauseSchedule(ended, 0)).toThrow(RangeError);
    expect(() => resumeSchedule(active, 0, cron)).toThrow(/Cannot resume.*expected paused/u);
    expect(() => resumeSchedule(ended, 0, cron)).toThrow(RangeError);
    const at = { nowMs: 0, lastFiredAtMs: undefined };
    expect(() => advanceSchedule(paused, at, cron)).toThrow(RangeError);
  });

  test("sessionOf() is the one that was given, or the schedule's own", ({ expect }) => {
    const own = scheduleOf();
    expect(sessionOf(own)).toBe(own.id);
    const sessionId = parseSessionId("given");
    const given = scheduleOf({ action: { kind: "message", text: "x", sessionId } });
    expect(sessionOf(given)).toBe(sessionId);
  });
});

describe("times", () => {
  const every = { kind: "every", everyMs: 1_000, anchorMs: 5_000 } as const;

  test("every: the anchor itself is no time, each multiple after it is", ({ expect }) => {
    expect(nextTime(every, 0, cron)).toBe(6_000);
    expect(nextTime(every, 5_000, cron)).toBe(6_000);
    expect(nextTime(every, 6_000, cron)).toBe(7_000);
    expect(nextTime(every, 6_999, cron)).toBe(7_000);
  });

  test("every: latest times in a span, both ends included", ({ expect }) => {
    const span = (fromMs: number, untilMs: number, limit = 10) =>
      latestTimes(every, { fromMs, untilMs, limit }, cron);
    expect(span(7_000, 9_000)).toEqual([7_000, 8_000, 9_000]);
    expect(span(7_001, 9_999)).toEqual([8_000, 9_000]);
    expect(span(7_000, 9_000, 2)).toEqual([8_000, 9_000]);
    expect(span(0, 5_999)).toEqual([]);
  });

  test("at: once", ({ expect }) => {
    const at = { kind: "at", atMs: 5_000 } as const;
    expect(nextTime(at, 4_999, cron)).toBe(5_000);
    expect(nextTime(at, 5_000, cron)).toBeUndefined();
    expect(latestTimes(at, { fromMs: 5_000, untilMs: 5_000, limit: 1 }, cron)).toEqual([5_000]);
  });
});
