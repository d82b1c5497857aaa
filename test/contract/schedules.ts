import { describe, type TestContext, test } from "vitest";
import type { DeleteOldFirings } from "../../src/application/ports/housekeeping.ts";
import type { FiringKey } from "../../src/domain/schedule/firing.ts";
import type { FiringLog } from "../../src/domain/schedule/firing-log.ts";
import { CATCH_UP_MOST } from "../../src/domain/schedule/plan-firings.ts";
import { pauseSchedule, type Schedule } from "../../src/domain/schedule/schedule.ts";
import type { ScheduleRepository } from "../../src/domain/schedule/schedule-repository.ts";
import { parseScheduleId, parseTaskId, parseUserId } from "../../src/domain/shared/id.ts";
import { failTask, type Task } from "../../src/domain/task/task.ts";
import { newId } from "../../src/infrastructure/ids/ids.ts";
import { scheduleOf } from "../support/schedules.ts";

export interface OpenedSchedules extends AsyncDisposable {
  readonly schedules: ScheduleRepository;
  readonly firings: FiringLog;
  readonly deleteOldFirings: (input: DeleteOldFirings) => Promise<number>;
  /** The data of the jobs that wait in the queue of firings; they are there once. */
  readonly takeJobs: () => Promise<readonly unknown[]>;
}

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

/** What every store of schedules must do. There are users "admin" and "other". */
export function describeSchedules(name: string, open: () => Promise<OpenedSchedules>): void {
  describe(`schedules in ${name}`, () => {
    async function openSchedules({ onTestFinished }: TestContext) {
      const opened = await open();
      onTestFinished(() => opened[Symbol.asyncDispose]());
      return opened;
    }

    const due = (nextAtMs: number, given: Partial<Schedule> = {}) =>
      scheduleOf({
        when: { kind: "every", everyMs: MINUTE, anchorMs: nextAtMs - MINUTE },
        state: { kind: "active", nextAtMs },
        ...given,
      });

    test("find() gives what add() took, whatever it is like", async (context) => {
      const { expect } = context;
      const { schedules } = await openSchedules(context);
      const all = [
        scheduleOf(),
        scheduleOf({
          when: { kind: "cron", expression: "0 9 * * 1-5", timeZone: "Europe/Berlin" },
          missed: "all",
          action: { kind: "tool-call", skill: "calculator", tool: "add", input: { a: [1, "ü"] } },
          state: { kind: "paused", pausedAtMs: 5 },
          lastFiredAtMs: 4,
        }),
        scheduleOf({
          when: { kind: "at", atMs: 7 },
          missed: "skip",
          action: { kind: "message", text: "Hi", sessionId: "session" as never },
          state: { kind: "ended", endedAtMs: 7 },
        }),
      ];
      for (const schedule of all) await schedules.add(schedule);
      for (const schedule of all) expect(await schedules.find(schedule.id)).toEqual(schedule);
      expect(await schedules.find(parseScheduleId("none"))).toBeUndefined();
    });

    test("list() pages through the schedules of one user or of all", async (context) => {
      const { expect } = context;
      const { schedules } = await openSchedules(context);
      const own = [scheduleOf(), scheduleOf(), scheduleOf()];
      const userId = parseUserId("other");
      const others = [scheduleOf({ userId })];
      for (const schedule of [...own, ...others]) await schedules.add(schedule);
      const ids = (found: readonly Schedule[]) => found.map(({ id }) => id);
      const admin = parseUserId("admin");
      const first = await schedules.list({ userId: admin, limit: 2 });
      expect(ids(first)).toEqual(ids(own.slice(0, 2)));
      const after = first[1]?.id;
      expect(ids(await schedules.list({ userId: admin, limit: 2, after }))).toEqual([own[2]?.id]);
      expect(ids(await schedules.list({ limit: 10 }))).toEqual(ids([...own, ...others]));
      expect(await schedules.count(admin)).toBe(3);
      expect(await schedules.count(parseUserId("nobody"))).toBe(0);
    });

    test("change() changes what is still as it was", async (context) => {
      const { expect } = context;
      const { schedules } = await openSchedules(context);
      const before = scheduleOf();
      await schedules.add(before);
      const after = pauseSchedule(before, NOW);
      expect(await schedules.change({ before, after, nowMs: NOW })).toBe(true);
      expect(await schedules.find(before.id)).toEqual(after);
      expect(await schedules.change({ before, after, nowMs: NOW })).toBe(false);
      const gone = scheduleOf();
      const paused = pauseSchedule(gone, NOW);
      expect(await schedules.change({ before: gone, after: paused, nowMs: NOW })).toBe(false);
    });

    test("change() refuses where the schedule fired meanwhile", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const before = due(NOW);
      await schedules.add(before);
      await firings.fireDue({ nowMs: NOW, limit: 10 });
      const after = pauseSchedule(before, NOW);
      expect(await schedules.change({ before, after, nowMs: NOW })).toBe(false);
    });

    test("fireDue() fires what is due, with its job, and moves on", async (context) => {
      const { expect } = context;
      const { schedules, firings, takeJobs } = await openSchedules(context);
      const [early, late] = [due(NOW - 5), due(NOW)];
      const waiting = due(NOW + 1);
      const paused = due(NOW - 5, { state: { kind: "paused", pausedAtMs: 0 } });
      for (const schedule of [late, waiting, early, paused]) await schedules.add(schedule);
      const fired = [
        { scheduleId: early.id, dueAtMs: NOW - 5 },
        { scheduleId: late.id, dueAtMs: NOW },
      ];
      const result = await firings.fireDue({ nowMs: NOW, limit: 10 });
      expect(result).toEqual({ fired, leftOut: [], nextAtMs: NOW + 1 });
      expect(await schedules.find(late.id)).toEqual({
        ...late,
        state: { kind: "active", nextAtMs: NOW + MINUTE },
        lastFiredAtMs: NOW,
      });
      expect(await firings.find(fired[1] as FiringKey)).toEqual({
        schedule: await schedules.find(late.id),
        firing: { ...fired[1], firedAtMs: NOW, lateMs: undefined, state: { kind: "waiting" } },
      });
      const again = await firings.fireDue({ nowMs: NOW, limit: 10 });
      expect(again.fired).toEqual([]);
      expect(new Set(await takeJobs())).toEqual(new Set(fired));
    });

    test("fireDue() takes as many schedules as it is told, oldest first", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const all = [due(NOW - 3), due(NOW - 2), due(NOW - 1)];
      for (const schedule of all.toReversed()) await schedules.add(schedule);
      const first = await firings.fireDue({ nowMs: NOW, limit: 2 });
      expect(first.fired.map(({ scheduleId }) => scheduleId)).toEqual([all[0]?.id, all[1]?.id]);
      expect(first.nextAtMs).toBe(NOW - 1);
      const second = await firings.fireDue({ nowMs: NOW, limit: 2 });
      expect(second.fired.map(({ scheduleId }) => scheduleId)).toEqual([all[2]?.id]);
      expect(second.nextAtMs).toBe(NOW - 3 + MINUTE);
    });

    test("fireDue() says what it left out; the end of a schedule is stored", async (context) => {
      const { expect } = context;
      const { schedules, firings, takeJobs } = await openSchedules(context);
      const atMs = NOW - 10 * MINUTE;
      const when = { kind: "at", atMs } as const;
      const missed = due(atMs, { when, missed: "skip" });
      await schedules.add(missed);
      const result = await firings.fireDue({ nowMs: NOW, limit: 10 });
      expect(result).toEqual({ fired: [], leftOut: [missed.id], nextAtMs: undefined });
      expect((await schedules.find(missed.id))?.state).toEqual({ kind: "ended", endedAtMs: NOW });
      expect(await takeJobs()).toEqual([]);
    });

    test("fireDue() makes up for a thousand missed times at once", async (context) => {
      const { expect } = context;
      const { schedules, firings, takeJobs } = await openSchedules(context);
      const schedule = due(NOW - 2_000 * MINUTE, { missed: "all" });
      await schedules.add(schedule);
      const { fired, leftOut } = await firings.fireDue({ nowMs: NOW, limit: 10 });
      expect(fired).toHaveLength(CATCH_UP_MOST);
      expect(leftOut).toEqual([schedule.id]);
      expect(await takeJobs()).toHaveLength(CATCH_UP_MOST);
      expect((await firings.list(schedule.id, 2)).map(({ dueAtMs }) => dueAtMs)).toEqual([
        NOW,
        NOW - MINUTE,
      ]);
    });

    test("side by side, each time of each schedule fires once", async (context) => {
      const { expect } = context;
      const { schedules, firings, takeJobs } = await openSchedules(context);
      const all = Array.from({ length: 60 }, (_, at) => due(NOW - at));
      for (const schedule of all) await schedules.add(schedule);
      const look = async () => {
        const fired: FiringKey[] = [];
        for (let round = 0; round < 20; round++) {
          fired.push(...(await firings.fireDue({ nowMs: NOW, limit: 7 })).fired);
        }
        return fired;
      };
      const fired = (await Promise.all([look(), look(), look()])).flat();
      expect(fired).toHaveLength(60);
      expect(new Set(fired.map(({ scheduleId }) => scheduleId)).size).toBe(60);
      expect(await takeJobs()).toHaveLength(60);
    });

    test("fireNow() fires in any state, for one moment once", async (context) => {
      const { expect } = context;
      const { schedules, firings, takeJobs } = await openSchedules(context);
      const paused = due(NOW, { state: { kind: "paused", pausedAtMs: 0 } });
      await schedules.add(paused);
      const key = { scheduleId: paused.id, dueAtMs: NOW };
      expect(await firings.fireNow({ ...key, nowMs: NOW })).toEqual(key);
      expect(await firings.fireNow({ ...key, nowMs: NOW + 1 })).toEqual(key);
      expect(await firings.list(paused.id, 9)).toMatchObject([{ dueAtMs: NOW, firedAtMs: NOW }]);
      expect(await schedules.find(paused.id)).toEqual(paused);
      expect(await takeJobs()).toEqual([key]);
      const none = { scheduleId: parseScheduleId("none"), dueAtMs: NOW, nowMs: NOW };
      expect(await firings.fireNow(none)).toBeUndefined();
    });

    test("a pause leaves out what was fired and has not begun", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const { key, schedule } = await fireOne({ schedules, firings });
      const before = (await schedules.find(schedule.id)) as Schedule;
      const after = pauseSchedule(before, NOW + 5);
      expect(await schedules.change({ before, after, nowMs: NOW + 5 })).toBe(true);
      const left = { kind: "left-out", endedAtMs: NOW + 5 };
      expect((await firings.find(key))?.firing.state).toEqual(left);
      const call = { key, attempt: 1, task: taskOf(schedule), nowMs: NOW };
      expect(await firings.beginCall(call)).toBe(false);
    });

    test("remove() takes firings and tasks along", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const { key, schedule } = await fireOne({ schedules, firings });
      const task = taskOf(schedule);
      await firings.beginCall({ key, attempt: 1, task, nowMs: NOW });
      expect(await schedules.remove(schedule.id)).toBe(true);
      expect(await firings.find(key)).toBeUndefined();
      expect(await firings.list(schedule.id, 10)).toEqual([]);
      expect(await schedules.remove(schedule.id)).toBe(false);
      const state = { kind: "done", endedAtMs: NOW, result: { kind: "task", taskId: task.id } };
      const end = { key, attempt: 1, startedAtMs: NOW, state, task } as const;
      expect(await firings.end(end as never)).toBe(false);
    });

    test("end() ends a firing that made a turn, once, and says how late it was", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const { key } = await fireOne({ schedules, firings });
      const result = { kind: "turn", turnId: "turn" as never } as const;
      const state = { kind: "done", endedAtMs: NOW + 30, result } as const;
      const end = { key, attempt: 0, startedAtMs: NOW + 20, state };
      expect(await firings.end(end)).toBe(true);
      expect((await firings.find(key))?.firing).toEqual({
        ...key,
        firedAtMs: NOW,
        lateMs: 20,
        state,
      });
      expect(await firings.end(end)).toBe(false);
    });

    test("a call belongs to the attempt that began it", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const { key, schedule } = await fireOne({ schedules, firings });
      const task = taskOf(schedule);
      const begin = (attempt: number) =>
        firings.beginCall({ key, attempt, task, nowMs: NOW + attempt });
      expect(await begin(2)).toBe(false);
      expect(await begin(1)).toBe(true);
      expect(await begin(1)).toBe(false);
      expect((await firings.find(key))?.firing).toMatchObject({
        lateMs: 1,
        state: { kind: "running", startedAtMs: NOW + 1, attempt: 1, taskId: task.id },
      });
      expect(await begin(2)).toBe(true);
      const failure = { code: "INTERRUPTED", message: "Nobody knows" };
      const state = { kind: "failed", endedAtMs: NOW + 9, failure } as const;
      const ended = failTask(task, failure, NOW + 9);
      const end = (attempt: number) =>
        firings.end({ key, attempt, startedAtMs: NOW + 8, state, task: ended });
      expect(await end(1)).toBe(false);
      expect(await end(2)).toBe(true);
      expect((await firings.find(key))?.firing).toMatchObject({ lateMs: 1, state });
      expect(await begin(3)).toBe(false);
    });

    test("withdrawCall() puts a call that was not made back, at its own attempt only", async (context) => {
      const { expect } = context;
      const { schedules, firings } = await openSchedules(context);
      const { key, schedule } = await fireOne({ schedules, firings });
      const task = taskOf(schedule);
      const withdraw = (attempt: number) => firings.withdrawCall({ key, attempt, taskId: task.id });
      expect(await withdraw(0)).toBe(false);
      const begin = () => firings.beginCall({ key, attempt: 1, task, nowMs: NOW + 5 });
      expect(await begin()).toBe(true);
      expect(await withdraw(2)).toBe(false);
      expect(await withdraw(1)).toBe(true);
      expect(await withdraw(1)).toBe(false);
      const waiting = { ...key, firedAtMs: NOW, lateMs: undefined, state: { kind: "waiting" } };
      expect((await firings.find(key))?.firing).toEqual(waiting);
      expect(await begin()).toBe(true);
    });

    test("deleteOldFirings() deletes what ended long ago, so many at once", async (context) => {
      const { expect } = context;
      const { schedules, firings, deleteOldFirings } = await openSchedules(context);
      const fired = [];
      for (let each = 0; each < 3; each++) fired.push(await fireOne({ schedules, firings }));
      const { key: open } = await fireOne({ schedules, firings });
      for (const [at, { key }] of fired.entries()) {
        const result = { kind: "turn", turnId: "turn" as never } as const;
        const state = { kind: "done", endedAtMs: NOW + at, result } as const;
        await firings.end({ key, attempt: 0, startedAtMs: NOW, state });
      }
      expect(await deleteOldFirings({ beforeMs: NOW + 2, limit: 1 })).toBe(1);
      expect(await deleteOldFirings({ beforeMs: NOW + 2, limit: 10 })).toBe(1);
      expect(await deleteOldFirings({ beforeMs: NOW + 2, limit: 10 })).toBe(0);
      expect(await firings.find(fired[2]?.key as FiringKey)).toBeDefined();
      expect(await firings.find(open)).toBeDefined();
    });

    async function fireOne({ schedules, firings }: Pick<OpenedSchedules, "schedules" | "firings">) {
      const schedule = due(NOW);
      await schedules.add(schedule);
      const { fired } = await firings.fireDue({ nowMs: NOW, limit: 1 });
      return { schedule, key: fired[0] as FiringKey };
    }
  });
}

function taskOf(schedule: Schedule): Task {
  return {
    id: parseTaskId(newId()),
    userId: schedule.userId,
    origin: { kind: "schedule", scheduleId: schedule.id },
    skill: "calculator",
    tool: "add",
    skillDigest: "digest",
    policyHash: "",
    input: { a: 1 },
    state: { kind: "running", startedAtMs: NOW },
    createdAtMs: NOW,
  };
}
