import { describe, test } from "vitest";
import { createChangeSchedule } from "../../../../src/application/change-schedule/change-schedule.ts";
import { createReadSchedules } from "../../../../src/application/read-schedules/read-schedules.ts";
import type { Schedule } from "../../../../src/domain/schedule/schedule.ts";
import { parseUserId } from "../../../../src/domain/shared/id.ts";
import { createCronerTimes } from "../../../../src/infrastructure/schedules/croner-times.ts";
import { createMemorySchedules } from "../../../support/fakes/memory-schedules.ts";
import { scheduleOf } from "../../../support/schedules.ts";

const NOW = 1_000_000;

describe("changeSchedule()", () => {
  test("pauses and resumes, and says each on the record", async ({ expect }) => {
    const { uses, own, audited } = await open();
    const paused = await uses.changeSchedule({ ...own, isPaused: true });
    expect(paused).toMatchObject({ kind: "changed", schedule: { state: { kind: "paused" } } });
    const again = await uses.changeSchedule({ ...own, isPaused: true });
    expect(again).toEqual(paused);
    const resumed = await uses.changeSchedule({ ...own, isPaused: false });
    expect(resumed).toMatchObject({ schedule: { state: { kind: "active", nextAtMs: 1_020_000 } } });
    expect(audited).toEqual(["schedule.paused", "schedule.resumed"]);
  });

  test("looks again where the ticker was faster", async ({ expect }) => {
    const { uses, own, memory } = await open();
    const { schedules } = createMemorySchedules(createCronerTimes());
    let isFirst = true;
    Object.assign(schedules, memory.schedules);
    memory.schedules.find = async (id) => {
      const found = await schedules.find(id);
      if (isFirst) await memory.firings.fireDue({ nowMs: NOW, limit: 1 });
      isFirst = false;
      return found;
    };
    const changed = await uses.changeSchedule({ ...own, isPaused: true });
    expect(changed).toMatchObject({ kind: "changed", schedule: { state: { kind: "paused" } } });
    expect(await memory.firings.list(own.scheduleId, 9)).toMatchObject([
      { state: { kind: "left-out" } },
    ]);
  });

  test("refuses what has ended", async ({ expect }) => {
    const { uses, own } = await open({ state: { kind: "ended", endedAtMs: 1 } });
    expect(await uses.changeSchedule({ ...own, isPaused: true })).toEqual({ kind: "conflict" });
    expect(await uses.changeSchedule({ ...own, isPaused: false })).toEqual({ kind: "conflict" });
  });

  test("runSchedule() fires out of turn and wakes the workers", async ({ expect }) => {
    const { uses, own, memory, woken } = await open({ state: { kind: "paused", pausedAtMs: 1 } });
    const key = { scheduleId: own.scheduleId, dueAtMs: 7 };
    expect(await uses.runSchedule({ ...own, atMs: 7 })).toEqual(key);
    expect(await uses.runSchedule({ ...own, atMs: 7 })).toEqual(key);
    expect(memory.jobs).toHaveLength(1);
    expect(woken).toEqual(["firing", "firing"]);
  });

  test("another user's schedule does not exist", async ({ expect }) => {
    const { uses, own, memory, audited } = await open();
    const theirs = { ...own, userId: parseUserId("other") };
    expect(await uses.changeSchedule({ ...theirs, isPaused: true })).toEqual({ kind: "not-found" });
    expect(await uses.deleteSchedule(theirs)).toBe("not-found");
    expect(await uses.runSchedule({ ...theirs, atMs: 7 })).toBeUndefined();
    const reads = createReadSchedules(memory);
    expect(await reads.findSchedule(theirs)).toBeUndefined();
    expect(await reads.listFirings({ ...theirs, limit: 1 })).toBeUndefined();
    expect(await reads.listSchedules({ userId: theirs.userId, limit: 1 })).toEqual([]);
    expect(audited).toEqual([]);
    expect(await uses.deleteSchedule(own)).toBe("deleted");
    expect(await reads.findSchedule(own)).toBeUndefined();
  });
});

async function open(given: Partial<Schedule> = {}) {
  const cron = createCronerTimes();
  const memory = createMemorySchedules(cron);
  const schedule = scheduleOf(given);
  await memory.schedules.add(schedule);
  const audited: string[] = [];
  const woken: string[] = [];
  const uses = createChangeSchedule({
    schedules: memory.schedules,
    firings: memory.firings,
    jobs: { wake: (queue) => woken.push(queue) },
    cron,
    nowMs: () => NOW,
    audit: ({ action }) => audited.push(action),
  });
  const own = { userId: schedule.userId, scheduleId: schedule.id };
  return { uses, own, memory, audited, woken };
}
