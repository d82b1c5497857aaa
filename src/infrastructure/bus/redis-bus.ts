import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { Fault } from "#domain/shared/fault.ts";
import { type Link, LinkBus, type LinkListener, reasonOf } from "./link-bus.ts";

export interface RedisBusOptions {
  readonly url: string;
  /** Tells clusters apart that share a server: the instances of one have the same. */
  readonly scope: string;
  readonly log: Logger;
}

const INTERVAL_MS = 2;
const LIMITS = { maxPayloadBytes: 262_144, maxPayloads: 16, maxFrameBytes: 8_388_608 };
const ANSWER_WITHIN_MS = 5_000;

/**
 * Over publish and subscribe of Redis or Valkey, one connection for each. Rejects with `Fault`
 * `BUS_UNAVAILABLE` where it cannot be had.
 */
export async function openRedisBus({ url, scope, log }: RedisBusOptions): Promise<Bus> {
  try {
    return await LinkBus.open({
      name: "Redis",
      openLink: (listener) => openRedisLink(url, `nexflow:${scope}`, listener),
      limits: LIMITS,
      intervalMs: INTERVAL_MS,
      log,
    });
  } catch (error) {
    const message = `Cannot reach Redis (NEXFLOW_REDIS_URL): ${reasonOf(error)}`;
    throw new Fault("BUS_UNAVAILABLE", message, { cause: error });
  }
}

async function openRedisLink(
  url: string,
  channel: string,
  { onPayload, onLost }: LinkListener,
): Promise<Link> {
  // Loaded where it is used: most installations have no Redis.
  const { createClient } = await import("@redis/client");
  const clients = [1, 2].map(() =>
    createClient({
      url,
      RESP: 2,
      name: "nexflow-bus",
      disableOfflineQueue: true,
      socket: { connectTimeout: ANSWER_WITHIN_MS, reconnectStrategy: false },
    }),
  );
  const [publisher, subscriber] = clients as [(typeof clients)[0], (typeof clients)[0]];
  for (const client of clients) client.on("error", onLost);
  const close = () => {
    for (const client of clients) client.destroy();
    return Promise.resolve();
  };
  try {
    await within(ANSWER_WITHIN_MS, async () => {
      await Promise.all(clients.map((client) => client.connect()));
      await subscriber.subscribe(channel, onPayload);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    send: (payloads) =>
      within(ANSWER_WITHIN_MS, async () => {
        await Promise.all(payloads.map((payload) => publisher.publish(channel, payload)));
      }),
  };
}

/** A server that takes connections and answers nothing counts as one that is gone. */
async function within(ms: number, work: () => Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ms} ms`)), ms);
  try {
    await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
