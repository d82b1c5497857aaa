import { describe, test, vi } from "vitest";
import {
  type AddScheduleInput,
  createAddSchedule,
} from "../../../../src/application/add-schedule/add-schedule.ts";
import type { AuditEvent } from "../../../../src/domain/audit/audit-log.ts";
import { parseScheduleId, parseSessionId, parseUserId } from "../../../../src/domain/shared/id.ts";
import { newId } from "../../../../src/infrastructure/ids/ids.ts";
import { createCronerTimes } from "../../../../src/infrastructure/schedules/croner-times.ts";
import { createMemorySchedules } from "../../../support/fakes/memory-schedules.ts";
import { calculator } from "../../../support/schedules.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const userId = parseUserId("admin");

describe("addSchedule()", () => {
  test("makes a schedule with its next time and puts it on record", async ({ expect }) => {
    const { add, schedules, audited } = open();
    const given = input();
    const created = await add(given);
    const { name, missed, action } = given;
    expect(created).toEqual({
      kind: "created",
      schedule: {
        id: given.scheduleId,
        userId,
        name,
        missed,
        action,
        when: { kind: "every", everyMs: 60_000, anchorMs: NOW },
        state: { kind: "active", nextAtMs: NOW + 60_000 },
        lastFiredAtMs: undefined,
        createdAtMs: NOW,
      },
    });
    expect(await schedules.find(given.scheduleId)).toEqual(
      (created as { schedule: unknown }).schedule,
    );
    expect(audited.map(({ action: what }) => what)).toEqual(["schedule.created"]);
  });

  test("the same id again gives the schedule that is there", async ({ expect }) => {
    const { add, audited } = open();
    const given = input();
    const first = await add(given);
    expect(await add({ ...given, name: "Other" })).toEqual(first);
    expect(audited).toHaveLength(1);
    const foreign = await add({ ...given, userId: parseUserId("other") });
    expect(foreign).toMatchObject({ kind: "refused" });
  });

  test.for<[string, Partial<AddScheduleInput>, RegExp]>([
    ["an empty name", { name: "  " }, /expected 1 to 100 characters/u],
    ["a time that is past", { when: { kind: "at", atMs: NOW } }, /one that is to come/u],
    [
      "an interval that is too short",
      { when: { kind: "every", everyMs: 9_999 } },
      /10 s to a year/u,
    ],
    [
      "an expression that is none",
      { when: { kind: "cron", expression: "no", timeZone: "UTC" } },
      /Cannot use these times: the cron expression "no" has not the form/u,
    ],
    [
      "a time zone that is none",
      { when: { kind: "cron", expression: "0 9 * * *", timeZone: "Nowhere" } },
      /"Nowhere" is not known/u,
    ],
    ["an empty message", { action: { kind: "message", text: " " } }, /1 to 32768 characters/u],
    [
      "a session that is another user's",
      { action: { kind: "message", text: "Hi", sessionId: parseSessionId("theirs") } },
      /There is no session "theirs"/u,
    ],
    [
      "a skill that is not there",
      { action: { kind: "tool-call", skill: "nothing", tool: "x", input: {} } },
      /There is no skill "nothing"/u,
    ],
    [
      "a tool that its skill has not",
      { action: { kind: "tool-call", skill: "calculator", tool: "x", input: {} } },
      /has no tool "x": expected one of calculate/u,
    ],
  ])("refuses %s", async ([, wrong, message], { expect }) => {
    const { add, audited, schedules } = open();
    const refused = await add({ ...input(), ...wrong });
    expect(refused).toEqual({ kind: "refused", message: expect.stringMatching(message) });
    expect(audited).toEqual([]);
    expect(await schedules.count(userId)).toBe(0);
  });

  test("takes sessions and skills that are there", async ({ expect }) => {
    const { add } = open();
    const sessionId = parseSessionId("own");
    const message = input({ action: { kind: "message", text: "Hi", sessionId } });
    expect((await add(message)).kind).toBe("created");
    const action = {
      kind: "tool-call",
      skill: "calculator",
      tool: "calculate",
      input: {},
    } as const;
    expect((await add(input({ action }))).kind).toBe("created");
  });

  test("refuses more than a user may have", async ({ expect }) => {
    const { add } = open();
    for (let each = 0; each < 3; each++) await add(input());
    expect(await add(input())).toMatchObject({
      kind: "refused",
      message: /at most 3 of one user/u,
    });
  });
});

test("looks at no times for who may have no more schedules", async ({ expect }) => {
  const { add, cron } = open();
  for (let each = 0; each < 3; each++) await add(input());
  const looked = vi.spyOn(cron, "findFault");
  const when = { kind: "cron", expression: "0 0 30 2 *", timeZone: "UTC" } as const;
  expect(await add(input({ when }))).toMatchObject({ message: /at most 3 of one user/u });
  expect(looked).not.toHaveBeenCalled();
});

function input(given: Partial<AddScheduleInput> = {}): AddScheduleInput {
  return {
    userId,
    scheduleId: parseScheduleId(newId()),
    name: "Each minute",
    when: { kind: "every", everyMs: 60_000 },
    missed: "once",
    action: { kind: "message", text: "Hello" },
    ...given,
  };
}

function open() {
  const cron = createCronerTimes();
  const { schedules } = createMemorySchedules(cron);
  const audited: AuditEvent[] = [];
  const add = createAddSchedule({
    schedules,
    sessions: {
      find: async (id) => {
        const owner = { own: userId, theirs: parseUserId("other") }[String(id)];
        if (owner === undefined) return undefined;
        const times = { createdAtMs: 0, updatedAtMs: 0, headSeq: 0, headEpoch: 0 };
        return { id, userId: owner, title: "", ...times };
      },
    },
    listSkills: async () => ({ skills: [calculator], promptSkills: [] }),
    cron,
    nowMs: () => NOW,
    maxPerUser: 3,
    audit: (event) => audited.push(event),
  });
  return { add, schedules, audited, cron };
}
