import { describe, test } from "vitest";
import { textOf, useCatalogSkill } from "./catalog-skill.ts";
import { createRandom } from "./random.ts";

// What it answers is what is tested; a busy machine may take its time.
const clock = useCatalogSkill("clock", { timeMs: 25_000 });

describe("now", () => {
  test("tells the time of the host's clock", async ({ expect }) => {
    const beforeMs = Date.now();
    const { unixMs, iso, zone } = await clock.run("now", {});
    expect(Number(unixMs)).toBeGreaterThanOrEqual(beforeMs - 5);
    expect(Number(unixMs)).toBeLessThanOrEqual(Date.now() + 5);
    expect(new Date(textOf(iso)).getTime()).toBe(Math.floor(Number(unixMs) / 1000) * 1000);
    expect(zone).toBe("UTC");
  });

  const zones: readonly (readonly [name: string, zone: string])[] = [
    ["Tokyo", "Asia/Tokyo"],
    ["new york", "America/New_York"],
    ["europe/berlin", "Europe/Berlin"],
    ["San Francisco", "America/Los_Angeles"],
    ["Kyiv", "Europe/Kyiv"],
    ["Asia/Kolkata", "Asia/Kolkata"],
    ["Japan", "Asia/Tokyo"],
    ["gmt", "UTC"],
    ["UTC+5:30", "+05:30"],
    ["-3", "-03:00"],
  ];
  test.for(zones)("knows %s as %s", async ([name, zone], { expect }) => {
    expect(await clock.run("now", { zone: name })).toMatchObject({ zone });
  });

  test.for(["CST", "Atlantis", "", "UTC+99", "constructor"])(
    "refuses %j",
    async (zone, { expect }) => {
      const message = await clock.refuse("now", { zone });
      expect(message).toContain(`Cannot find time zone "${zone}"`);
    },
  );
});

describe("convert", () => {
  const times: readonly (readonly [time: string, from: string, to: string, iso: string])[] = [
    ["2026-07-01T12:00", "London", "Tokyo", "2026-07-01T20:00:00+09:00"],
    ["2026-07-01 12:00:30", "UTC", "New York", "2026-07-01T08:00:30-04:00"],
    ["2026-07-01T12:00Z", "Tokyo", "UTC", "2026-07-01T12:00:00+00:00"],
    ["2026-07-01T12:00+02:00", "Tokyo", "UTC", "2026-07-01T10:00:00+00:00"],
    ["2026-07-01 3:30 pm", "UTC", "UTC", "2026-07-01T15:30:00+00:00"],
    ["2026-07-01 12 am", "UTC", "UTC", "2026-07-01T00:00:00+00:00"],
    ["2026-07-01", "Kathmandu", "UTC", "2026-06-30T18:15:00+00:00"],
    ["2026-03-29T02:30", "Berlin", "Berlin", "2026-03-29T03:30:00+02:00"],
    ["2026-10-25T02:30", "Berlin", "UTC", "2026-10-25T00:30:00+00:00"],
    ["2026-10-25T02:30+01:00", "UTC", "Berlin", "2026-10-25T02:30:00+01:00"],
  ];
  test.for(times)("%s in %s for %s", async ([time, from, to, iso], { expect }) => {
    expect(await clock.run("convert", { time, from, to })).toMatchObject({ iso });
  });

  test("takes a time without a date as today's in that zone", async ({ expect }) => {
    const [now, noon] = await Promise.all([
      clock.run("now", { zone: "Auckland" }),
      clock.run("convert", { time: "noon", from: "Auckland", to: "Auckland" }),
    ]);
    expect(noon).toMatchObject({ time: "12:00", date: now["date"] });
  });

  const wrong = ["", "5", "25:00", "13 pm", "2026-02-30", "2026-13-01", "soon", "2026-07-01T12:61"];
  test.for(wrong)("refuses %j", async (time, { expect }) => {
    const message = await clock.refuse("convert", { time, to: "UTC" });
    expect(message).toContain(`Cannot read time "${time}"`);
  });
});

describe("add", () => {
  const sums: readonly (readonly [time: string, duration: string, zone: string, iso: string])[] = [
    ["2026-01-31", "1 month", "UTC", "2026-02-28T00:00:00+00:00"],
    ["2024-02-29", "1 year", "UTC", "2025-02-28T00:00:00+00:00"],
    ["2026-03-31", "-1 month", "UTC", "2026-02-28T00:00:00+00:00"],
    ["2026-11-22", "2 weeks ago", "UTC", "2026-11-08T00:00:00+00:00"],
    ["2026-11-22", "a year, 2 months and 3 days", "UTC", "2028-01-25T00:00:00+00:00"],
    ["2026-11-22", "P1Y2M3DT4H5M6S", "UTC", "2028-01-25T04:05:06+00:00"],
    ["2026-11-22", "1.5 hours", "UTC", "2026-11-22T01:30:00+00:00"],
    ["2026-03-28T12:00", "1 day", "Berlin", "2026-03-29T12:00:00+02:00"],
    ["2026-03-28T12:00", "24 hours", "Berlin", "2026-03-29T13:00:00+02:00"],
    ["2026-03-28T02:30", "1 day", "Berlin", "2026-03-29T03:30:00+02:00"],
    ["2026-10-24T02:30", "1 day", "Berlin", "2026-10-25T02:30:00+02:00"],
    ["0001-01-01", "9998 years", "UTC", "9999-01-01T00:00:00+00:00"],
  ];
  test.for(sums)("%s and %s in %s", async ([time, duration, zone, iso], { expect }) => {
    expect(await clock.run("add", { time, duration, zone })).toMatchObject({ iso });
  });

  const wrong: readonly (readonly [duration: string, message: string])[] = [
    ["soon", 'Cannot read duration "soon"'],
    ["", 'Cannot read duration ""'],
    ["P", 'Cannot read duration "P"'],
    ["3 parsecs", 'Cannot read duration "3 parsecs"'],
    ["1.5 days", 'Cannot use 1.5 days of "1.5 days"'],
    ["9000 years", "Cannot use that date"],
    ["99999999999 years", "Cannot use that date"],
  ];
  test.for(wrong)("refuses %j", async ([duration, message], { expect }) => {
    expect(await clock.refuse("add", { time: "2026-01-01", duration })).toContain(message);
  });
});

describe("difference", () => {
  const spans: readonly (readonly [
    from: string,
    to: string,
    zone: string,
    text: string,
    seconds: number,
  ])[] = [
    ["2024-02-29", "2026-11-22", "UTC", "2 years, 8 months and 24 days", 86_140_800],
    ["2026-11-22", "2024-02-29", "UTC", "minus 2 years, 8 months and 22 days", -86_140_800],
    ["2026-03-28T12:00", "2026-03-29T12:00", "Berlin", "1 day", 82_800],
    ["2026-03-28T12:00", "2026-03-29T11:00", "Berlin", "22 hours", 79_200],
    ["2026-01-31", "2026-02-28", "UTC", "1 month", 2_419_200],
    ["2026-01-01", "2026-01-01", "UTC", "no time", 0],
    ["0001-01-01", "9999-12-31", "UTC", "9998 years, 11 months and 30 days", 315_537_811_200],
  ];
  test.for(spans)("%s to %s in %s", async ([from, to, zone, text, totalSeconds], { expect }) => {
    const result = await clock.run("difference", { from, to, zone });
    expect(result).toMatchObject({
      text,
      totalSeconds,
      totalDays: expect.closeTo(totalSeconds / 86_400, 6),
    });
  });

  test("leads back to the end when it is added to the start", async ({ expect }) => {
    const random = createRandom(11);
    const moment = () => new Date(random.below(4_000_000_000) * 1000).toISOString();
    const zones = ["UTC", "Berlin", "New York", "Kathmandu", "Auckland", "Australia/Lord_Howe"];
    for (let round = 0; round < 120; round += 1) {
      const [from, to] = [moment(), moment()];
      const zone = zones[round % zones.length] ?? "UTC";
      const { text, end } = await clock.run("difference", { from, to, zone });
      const duration = textOf(text).replace("minus ", "-").replace("no time", "0 days");
      const { iso } = await clock.run("add", { time: from, duration, zone });
      expect(iso, `${from} ${duration} ${zone}`).toBe(end);
    }
  });
});
