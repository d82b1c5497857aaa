import { describe, test } from "vitest";
import type { DeleteOldSpend, TrimEvents } from "../../../../src/application/ports/housekeeping.ts";
import type { NewJob } from "../../../../src/application/ports/jobs.ts";
import {
  createTidyStore,
  startTidying,
} from "../../../../src/application/tidy-store/tidy-store.ts";
import { silentLog } from "../../../support/silent-log.ts";

const DAY = 86_400_000;
const job = { id: "job", data: {}, attempt: 1, isLast: false };

describe("tidyStore()", () => {
  test("goes through all sessions and deletes old firings, batch by batch", async ({ expect }) => {
    const trims: TrimEvents[] = [];
    const pages = ["a", "b", undefined];
    const firings = [500, 500, 3];
    const asked: number[] = [];
    const spends: DeleteOldSpend[] = [];
    const tidy = createTidyStore({
      housekeeping: {
        trimEvents: async (input) => {
          trims.push(input);
          return { deleted: 10, next: pages[trims.length - 1] };
        },
        deleteOldFirings: async ({ beforeMs, limit }) => {
          asked.push(beforeMs);
          return Math.min(firings[asked.length - 1] ?? 0, limit);
        },
        deleteOldSpend: async (input) => {
          spends.push(input);
          return { deleted: 1, next: input.after === "" ? "bob" : undefined };
        },
      },
      eventRetentionDays: 7,
      nowMs: () => 500 * DAY,
      log: silentLog,
    });
    await tidy(job, new AbortController().signal);
    expect(trims.map(({ after }) => after)).toEqual(["", "a", "b"]);
    expect(trims[0]).toMatchObject({ restedSinceMs: 493 * DAY, keepEvents: 5_000 });
    expect(asked).toEqual([470 * DAY, 470 * DAY, 470 * DAY]);
    const beforeDay = "1970-04-11";
    expect(spends).toEqual([
      { beforeDay, after: "" },
      { beforeDay, after: "bob" },
    ]);
  });

  test("stops between two batches when it is told to", async ({ expect }) => {
    const stop = new AbortController();
    let trims = 0;
    const tidy = createTidyStore({
      housekeeping: {
        trimEvents: async () => {
          trims += 1;
          stop.abort();
          return { deleted: 1, next: "more" };
        },
        deleteOldFirings: async () => 500,
        deleteOldSpend: async () => ({ deleted: 0, next: "more" }),
      },
      eventRetentionDays: 7,
      nowMs: () => 0,
      log: silentLog,
    });
    await tidy(job, stop.signal);
    expect(trims).toBe(1);
  });

  test("startTidying() asks under one key each hour", async ({ expect }) => {
    const asked: NewJob[] = [];
    const jobs = { enqueue: async (given: readonly NewJob[]) => void asked.push(...given) };
    for (const nowMs of [() => 7_200_000, () => 7_300_000, () => 10_800_000]) {
      startTidying({ jobs, nowMs, log: silentLog })();
    }
    expect(asked.map(({ key }) => key)).toEqual(["2", "2", "3"]);
  });
});
