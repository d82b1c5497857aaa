import { createHash } from "node:crypto";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { StoreLocation } from "../store/store-protocol.ts";
import { createLocalBus } from "./local-bus.ts";
import { openPostgresBus } from "./postgres-bus.ts";
import { openRedisBus } from "./redis-bus.ts";

export interface OpenBusOptions {
  readonly location: StoreLocation;
  /** The Postgres database without a pooler before it; left out: as the store is reached. */
  readonly directUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly log: Logger;
}

/**
 * The bus for instances on one store: none for SQLite, which is one instance's alone, else Redis
 * where there is one, else Postgres itself. Rejects with `Fault` `BUS_UNAVAILABLE` where it cannot
 * be reached now; later losses are made up for.
 */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  const { location, directUrl, redisUrl, log } = options;
  if (location.kind === "sqlite") return createLocalBus();
  if (redisUrl === undefined) return openPostgresBus({ url: directUrl ?? location.url, log });
  return openRedisBus({ url: redisUrl, scope: await readScope(location.url), log });
}

/** Names a database, the same for all who use it, whatever address they have for it. */
async function readScope(url: string): Promise<string> {
  const { default: pg } = await import("pg");
  const { toPostgresFault } = await import("../store/dialects/postgres/postgres-pool.ts");
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const database = `SELECT datname, oid FROM pg_database WHERE datname = current_database()`;
    const { rows } = await client.query<{ datname: string; oid: number }>(database);
    // Some hosts keep this to themselves; name and number have to do then.
    const server = await client
      .query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()")
      .catch(() => undefined);
    const parts = [server?.rows[0]?.id, rows[0]?.oid, rows[0]?.datname];
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
  } catch (error) {
    throw toPostgresFault(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
