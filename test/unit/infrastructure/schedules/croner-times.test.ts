import { Cron } from "croner";
import { describe, onTestFinished, test, vi } from "vitest";
import { createCronerTimes } from "../../../../src/infrastructure/schedules/croner-times.ts";
import { cpuMsOf, quickestMs } from "../../../support/timings.ts";

const times = createCronerTimes();
const ZONE = "America/Sao_Paulo";
/** Joined by "+" these days never meet, and croner looks for one where they do to the end of time. */
const ENDLESS = "0 0 8-31 * +0#1,1#1,2#1,3#1,4#1,5#1,6#1";

describe("createCronerTimes()", () => {
  test("keeps the time of day where the clock changes", ({ expect }) => {
    expect(next("0 9 * * *", "Europe/Berlin", "2026-03-28T00:00Z", 3)).toEqual([
      "2026-03-28T08:00:00.000Z",
      "2026-03-29T07:00:00.000Z",
      "2026-03-30T07:00:00.000Z",
    ]);
  });

  test("spring forward: a time that does not exist fires at the end of the gap, once", ({
    expect,
  }) => {
    expect(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(next("30 2,14 * * *", "America/New_York", "2026-03-08T05:00Z", 2)).toEqual([
      "2026-03-08T07:00:00.000Z",
      "2026-03-08T18:30:00.000Z",
    ]);
  });

  test("fall back: a time that comes twice fires the first time", ({ expect }) => {
    expect(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("a step goes on evenly through both changes", ({ expect }) => {
    const gaps = (from: string) =>
      next("*/30 * * * *", "Europe/Berlin", from, 10)
        .map(Date.parse)
        .map((atMs, at, all) => atMs - (all[at - 1] ?? atMs - 1_800_000));
    expect(new Set(gaps("2026-03-28T23:00Z"))).toEqual(new Set([1_800_000]));
    expect(new Set(gaps("2026-10-24T22:00Z"))).toEqual(new Set([1_800_000]));
  });

  test("knows zones with odd offsets and none", ({ expect }) => {
    expect(next("0 0 * * *", "Asia/Kathmandu", "2026-01-01T00:00Z", 1)).toEqual([
      "2026-01-01T18:15:00.000Z",
    ]);
    expect(next("0 0 * * *", "UTC", "2026-01-01T00:00Z", 1)).toEqual(["2026-01-02T00:00:00.000Z"]);
  });

  test("takes six fields, seconds first", ({ expect }) => {
    expect(next("*/15 * * * * *", "UTC", "2026-01-01T00:00Z", 2)).toEqual([
      "2026-01-01T00:00:15.000Z",
      "2026-01-01T00:00:30.000Z",
    ]);
  });

  test("latest() is what next() goes through, both ends included", ({ expect }) => {
    const cron = { kind: "cron", expression: "0 9 * * 1-5", timeZone: "Europe/Berlin" } as const;
    const fromMs = Date.parse("2026-03-27T08:00Z");
    const untilMs = Date.parse("2026-03-31T07:00Z");
    const span = { fromMs, untilMs, limit: 100 };
    const all = [fromMs, Date.parse("2026-03-30T07:00Z"), untilMs];
    expect(times.latest(cron, span)).toEqual(all);
    expect(times.latest(cron, { ...span, limit: 2 })).toEqual(all.slice(1));
  });

  test("ends where there is no more", ({ expect }) => {
    const cron = { kind: "cron", expression: "0 0 30 2 *", timeZone: "UTC" } as const;
    expect(times.next(cron, 0)).toBeUndefined();
  });

  test.for([
    ["0 9 * * *", "Mars/Olympus", /time zone "Mars\/Olympus" is not known: expected an IANA name/u],
    ["0 9 * *", "UTC", /has not the form of one: expected five fields/u],
    ["* * * * * * *", "UTC", /has not the form of one/u],
    ["2026-01-01T00:00:00Z", "UTC", /has not the form of one/u],
    ["", "UTC", /has not the form of one/u],
    ["61 * * * *", "UTC", /cannot be read: Invalid value for minute: 61/u],
    ["@reboot", "UTC", /cannot be read/u],
    ["0 0 13 * +5", "UTC", /joins day and weekday by "\+": expected one without it/u],
    ["0 0 30 2 *", "UTC", /never comes true/u],
    ["* * * * * *", "UTC", /fires too often: expected at least 10 s/u],
    ["0,1 0 9 * * *", "UTC", /fires too often/u],
  ] as const)(
    "findFault() says what is wrong with %j in %s",
    ([expression, timeZone, fault], { expect }) => {
      expect(times.findFault({ kind: "cron", expression, timeZone })).toMatch(fault);
    },
  );

  test.for([
    ENDLESS,
    "0 0 8-31 * 0#1,1#1,2#1,3#1,4#1,5#1,6#1",
    "0 0 30 2 *",
    "0 0 31 4,6 *",
    "0 0 31W 2,4,6,9,11 *",
    "0 0 29W 2 *",
    "0 0 LW 2 1L",
    "0 0 30,31 2 0#5,1#5,2#5",
    "*/20 0 23 ? 2 0#5,1#5,2#5",
  ])("findFault() takes no long time for %j", async (expression, { expect }) => {
    const find = () => createCronerTimes().findFault({ kind: "cron", expression, timeZone: ZONE });
    const found = await quickestMs(find);
    // Against what it must not cost, in the same moment: how fast the machine is drops out. About
    // a seventh for the slowest that is let through, all of it for one that should not be.
    expect(found / (await cpuMsOf(searchEndless))).toBeLessThan(0.4);
  });

  test("findFault() looks once at each expression, also at a wrong one", ({ expect }) => {
    const fresh = createCronerTimes();
    const runs = vi.spyOn(Cron.prototype, "nextRuns");
    onTestFinished(() => runs.mockRestore());
    for (const expression of ["0 0 30 2 *", "0 9 * * *", "0 0 30 2 *", "0 9 * * *"]) {
      fresh.findFault({ kind: "cron", expression, timeZone: "UTC" });
    }
    expect(runs).toHaveBeenCalledTimes(2);
  });

  test.for([
    "* * * * *",
    "0 9 * * MON-FRI",
    "@daily",
    "0 9 L * *",
    "*/10 * * * * *",
    "5 * * * * *",
  ])("findFault() finds none in %j", (expression, { expect }) => {
    const timeZone = "America/Sao_Paulo";
    expect(times.findFault({ kind: "cron", expression, timeZone })).toBeUndefined();
  });
});

/** What croner does with `ENDLESS` when nobody refuses it. */
function searchEndless(): void {
  new Cron(ENDLESS, { timezone: ZONE, paused: true }).nextRuns(200, new Date(0));
}

function next(expression: string, timeZone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (let atMs = Date.parse(from); found.length < count; ) {
    const following = times.next({ kind: "cron", expression, timeZone }, atMs);
    if (following === undefined) break;
    found.push(new Date(following).toISOString());
    atMs = following;
  }
  return found;
}
