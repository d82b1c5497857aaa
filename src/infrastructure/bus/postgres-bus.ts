import type { Client, Notification } from "pg";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { Fault } from "#domain/shared/fault.ts";
import { newId } from "../ids/ids.ts";
import { type Link, LinkBus, type LinkListener, reasonOf } from "./link-bus.ts";

export interface PostgresBusOptions {
  /** Of a connection of its own: LISTEN needs one that no pooler gives to others in between. */
  readonly url: string;
  readonly log: Logger;
}

const CHANNEL = "nexflow";
/** A notification is shorter than 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900;
/** Each sending takes a lock of the whole server for a moment: no more than 50 a second. */
const INTERVAL_MS = 20;
const LIMITS = {
  maxPayloadBytes: MAX_PAYLOAD_BYTES,
  maxPayloads: 8,
  maxFrameBytes: 262_144,
};
const ANSWER_WITHIN_MS = 5_000;
const PROOF_WITHIN_MS = 3_000;

/**
 * Over LISTEN and NOTIFY, on one connection. Rejects with `Fault`
 * `BUS_UNAVAILABLE` where it cannot be had or where no notifications come through.
 */
export async function openPostgresBus({ url, log }: PostgresBusOptions): Promise<Bus> {
  try {
    return await LinkBus.open({
      name: "Postgres",
      openLink: (listener) => openPostgresLink(url, listener),
      limits: LIMITS,
      intervalMs: INTERVAL_MS,
      log,
    });
  } catch (error) {
    const message =
      `Cannot get notifications from Postgres: ${reasonOf(error)}; expected a direct connection, ` +
      "not one through a transaction pooler (NEXFLOW_DATABASE_DIRECT_URL)";
    throw new Fault("BUS_UNAVAILABLE", message, { cause: error });
  }
}

async function openPostgresLink(url: string, { onPayload, onLost }: LinkListener): Promise<Link> {
  // Loaded where it is used: an instance on SQLite starts without it.
  const { default: pg } = await import("pg");
  const connect = async () => {
    const client = new pg.Client({
      connectionString: url,
      application_name: "nexflow bus",
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
      keepAlive: true,
    });
    client.on("error", onLost);
    await client.connect();
    return client;
  };
  const client = await connect();
  const close = () => end(client);
  try {
    client.on("end", () => onLost(new Error("The connection to Postgres ended")));
    client.on("notification", ({ payload = "" }) => onPayload(payload));
    await client.query(`LISTEN ${CHANNEL}`);
    await proveDirect(client, connect);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    send: async (payloads) => {
      // One statement, one transaction, whatever their number.
      const text = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";
      await client.query({ name: "notify", text, values: [CHANNEL, payloads] });
    },
  };
}

/**
 * Rejects where what another connection says does not come. A pooler lets an instance that is
 * alone hear itself: both go over the same connection to Postgres, for as long as nobody else
 * gets it in between.
 */
async function proveDirect(listener: Client, connect: () => Promise<Client>): Promise<void> {
  const proof = `{"proof":"${newId()}"}`;
  const { promise: heard, resolve } = Promise.withResolvers<true>();
  const onNotification = ({ payload }: Notification) => payload === proof && resolve(true);
  listener.on("notification", onNotification);
  const speaker = await connect();
  try {
    await speaker.query("SELECT pg_notify($1, $2)", [CHANNEL, proof]);
    const isHeard = await Promise.race([heard, after(PROOF_WITHIN_MS)]);
    if (isHeard !== true) throw new Error("Notifications of other connections do not come");
  } finally {
    listener.off("notification", onNotification);
    await end(speaker);
  }
}

async function end(client: Client): Promise<void> {
  client.removeAllListeners();
  client.on("error", () => undefined);
  // An end in good order waits for a server that may not answer.
  await Promise.race([client.end().catch(() => undefined), after(ANSWER_WITHIN_MS)]);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
