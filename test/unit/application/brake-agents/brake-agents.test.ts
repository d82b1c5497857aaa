import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { createBrakeAgents } from "#application/brake-agents/brake-agents.ts";
import { BrakeWatch } from "#application/brake-agents/brake-watch.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { createBrakeRepository } from "#infrastructure/store/repositories.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { ADA, BOB, openTurnStore } from "../../../support/turn-store.ts";

async function openBrakes() {
  const store = await openTurnStore();
  const brakes = createBrakeRepository(store.callers.reader, store.callers.writer);
  const applied: (Brake | undefined)[] = [];
  const find = vi.fn<() => Promise<Brake | undefined>>(() => brakes.find());
  const apply = (brake: Brake | undefined) => void applied.push(brake);
  const watch = new BrakeWatch({ brakes: { find }, apply, log: silentLog });
  const agents = createBrakeAgents({ brakes, brakeChanged: () => watch.look(), nowMs: () => 7 });
  return {
    applied,
    find,
    watch,
    agents,
    brakes,
    [Symbol.asyncDispose]: async () => {
      watch.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

describe("the brake", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  test("is put on once, and released", async ({ expect }) => {
    await using opened = await openBrakes();
    const { agents, applied } = opened;
    await opened.watch.look();
    const first = await agents.engageBrake({ by: ADA, reason: "Odd answers" });
    expect(first).toEqual({ sinceMs: 7, by: ADA, reason: "Odd answers" });
    expect(await agents.engageBrake({ by: BOB, reason: "Me too" })).toEqual(first);
    expect(await agents.findBrake()).toEqual(first);
    expect(await agents.releaseBrake({ by: BOB })).toBe("released");
    expect(await agents.releaseBrake({ by: BOB })).toBe("was-released");
    expect(await agents.findBrake()).toBeUndefined();
    expect(applied).toEqual([undefined, first, undefined]);
  });

  test("is found within a second where nobody told of it", async ({ expect }) => {
    await using opened = await openBrakes();
    await opened.watch.look();
    await opened.brakes.engage({ sinceMs: 9, by: ADA, reason: undefined });
    vi.advanceTimersByTime(1_000);
    await vi.waitFor(() => expect(opened.applied).toMatchObject([undefined, { sinceMs: 9 }]));
  });

  test("is told once more to threads that were not there before", async ({ expect }) => {
    await using opened = await openBrakes();
    await opened.watch.look();
    await opened.watch.look();
    expect(opened.applied).toEqual([undefined]);
    await opened.watch.restate();
    expect(opened.applied).toEqual([undefined, undefined]);
  });

  test("counts though the store takes longer to answer than it is asked again", async ({
    expect,
  }) => {
    await using opened = await openBrakes();
    const answers = [Promise.withResolvers<Brake>(), Promise.withResolvers<undefined>()] as const;
    for (const { promise } of answers) opened.find.mockReturnValueOnce(promise);
    const looks = [opened.watch.look(), opened.watch.look()];
    const brake = { sinceMs: 9, by: ADA, reason: undefined };
    answers[0].resolve(brake);
    await looks[0];
    expect(opened.applied).toEqual([brake]);
    answers[1].resolve(undefined);
    await looks[1];
    expect(opened.applied).toEqual([brake, undefined]);
  });

  test("an answer that comes after a later one changes nothing", async ({ expect }) => {
    await using opened = await openBrakes();
    const late = Promise.withResolvers<Brake>();
    opened.find.mockReturnValueOnce(late.promise);
    const looks = [opened.watch.look(), opened.watch.look()];
    await looks[1];
    late.resolve({ sinceMs: 9, by: ADA, reason: undefined });
    await looks[0];
    expect(opened.applied).toEqual([undefined]);
  });

  test("a store that is away changes nothing, and is asked again", async ({ expect }) => {
    await using opened = await openBrakes();
    opened.find.mockRejectedValueOnce(new Error("away"));
    await opened.watch.look();
    expect(opened.applied).toEqual([]);
    await opened.watch.look();
    expect(opened.applied).toEqual([undefined]);
  });
});
