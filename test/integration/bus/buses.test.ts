import { randomUUID } from "node:crypto";
import { describe, test } from "vitest";
import { createLocalBus } from "#infrastructure/bus/local-bus.ts";
import { openPostgresBus } from "#infrastructure/bus/postgres-bus.ts";
import { openRedisBus } from "#infrastructure/bus/redis-bus.ts";
import { describeBus, describeSharedBus } from "../../contract/bus.ts";
import { createBusNetwork } from "../../support/fakes/bus-network.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { findTestRedis } from "../../support/redis.ts";

const { log } = createMemoryLog();
const redisUrl = await findTestRedis();

describeBus("of an instance that is alone", () =>
  Promise.resolve({
    openBus: () => Promise.resolve(createLocalBus()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
);

describeSharedBus("in memory", () => {
  const network = createBusNetwork();
  return Promise.resolve({
    openBus: () => Promise.resolve(network.join()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

describeSharedBus("on Postgres", async () => {
  const database = await openTestDatabase();
  return {
    openBus: () => openPostgresBus({ url: database.url, log }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
});

test("a Redis is on this machine", ({ expect, skip }) => {
  skip(
    redisUrl === undefined,
    "no Redis answers: the bus on Redis is NOT tested; NEXFLOW_TEST_REDIS_URL may name one",
  );
  expect(redisUrl).toMatch(/^rediss?:/u);
});

describe.skipIf(redisUrl === undefined)("with a Redis", () => {
  describeSharedBus("on Redis", () => {
    const scope = randomUUID();
    return Promise.resolve({
      openBus: () => openRedisBus({ url: redisUrl ?? "", scope, log }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });
});
