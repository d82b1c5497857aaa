import { randomUUID } from "node:crypto";
import { describe, test } from "vitest";
import type { Bus, BusNotice } from "#application/ports/bus.ts";
import { parseSessionId } from "#domain/shared/id.ts";
import { openPostgresBus } from "#infrastructure/bus/postgres-bus.ts";
import { openRedisBus } from "#infrastructure/bus/redis-bus.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { findTestRedis } from "../../support/redis.ts";
import { TcpBalancer } from "../../support/tcp-balancer.ts";

const redisUrl = await findTestRedis();
const sessionId = parseSessionId("s1");
const WEDGED_TIMEOUT_MS = 20_000;

/** Opens a bus at that port, where the line goes through, as its others do without it. */
type OpenBus = (port?: number) => Promise<Bus>;

async function openPair(port: number, openBus: OpenBus) {
  const line = await TcpBalancer.open([port]);
  const [bus, other] = [await openBus(line.port), await openBus()];
  const heard: BusNotice["kind"][] = [];
  const others: BusNotice["kind"][] = [];
  bus.listen(({ kind }) => heard.push(kind));
  other.listen(({ kind }) => others.push(kind));
  return {
    line,
    bus,
    other,
    heard,
    others,
    [Symbol.asyncDispose]: async () => {
      for (const each of [bus, other, line]) await each[Symbol.asyncDispose]();
    },
  };
}

function describeBrokenLinks(
  name: string,
  open: () => Promise<{ readonly port: number; readonly openBus: OpenBus } & AsyncDisposable>,
): void {
  describe(`Bus ${name}`, () => {
    test("a line that is cut is made anew, and both sides hear each other again", async ({
      expect,
    }) => {
      await using medium = await open();
      await using pair = await openPair(medium.port, medium.openBus);
      const { line, bus, other, heard, others } = pair;
      line.takeOut(medium.port);
      await expect.poll(() => bus.trouble).toContain(name);
      other.publish({ kind: "follow", sessionId, seq: 1, epoch: 1 });
      expect(other.trouble).toBeUndefined();
      line.putBack(medium.port);
      await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["reconnected"]);
      expect(bus.trouble).toBeUndefined();
      bus.publish({ kind: "run-lost", sessionId });
      other.publish({ kind: "turns-queued", sessionId });
      await expect.poll(() => others).toEqual(["run-lost"]);
      await expect.poll(() => heard).toEqual(["reconnected", "turns-queued"]);
    });

    test(
      "a line on which nothing passes any more is given up",
      async ({ expect }) => {
        await using medium = await open();
        await using pair = await openPair(medium.port, medium.openBus);
        const { line, bus, heard, others } = pair;
        line.cutOff(medium.port);
        bus.publish({ kind: "turns-queued", sessionId });
        await expect.poll(() => bus.trouble, { timeout: 8_000 }).toContain(name);
        line.reconnect(medium.port);
        await expect.poll(() => heard, { timeout: 8_000 }).toEqual(["reconnected"]);
        bus.publish({ kind: "run-lost", sessionId });
        await expect.poll(() => others.at(-1)).toBe("run-lost");
      },
      WEDGED_TIMEOUT_MS,
    );

    test("nothing answers at the start: it is not opened", async ({ expect }) => {
      await using medium = await open();
      await using line = await TcpBalancer.open([medium.port]);
      line.cutOff(medium.port);
      await expect(medium.openBus(line.port)).rejects.toMatchObject({ code: "BUS_UNAVAILABLE" });
    });
  });
}

const { log } = createMemoryLog();

describeBrokenLinks("Postgres", async () => {
  const database = await openTestDatabase();
  return {
    port: Number(new URL(database.url).port),
    openBus: (port) => openPostgresBus({ url: withPort(database.url, port), log }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
});

describe.skipIf(redisUrl === undefined)("with a Redis", () => {
  describeBrokenLinks("Redis", () => {
    const url = redisUrl ?? "";
    const scope = randomUUID();
    return Promise.resolve({
      port: Number(new URL(url).port || 6379),
      openBus: (port?: number) => openRedisBus({ url: withPort(url, port), scope, log }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });
});

function withPort(address: string, port: number | undefined): string {
  const url = new URL(address);
  if (port !== undefined) url.port = String(port);
  return url.href;
}
