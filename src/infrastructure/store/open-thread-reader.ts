import type { MessagePort } from "node:worker_threads";
import type { SqliteConnection } from "./dialects/sqlite/sqlite-connection.ts";
import type { Reads } from "./reads.ts";
import type { ReadCaller } from "./repositories.ts";
import { StoreClient } from "./store-client.ts";

/**
 * How a thread reads: on its own connection to the SQLite database `file`, or, where the store is
 * Postgres, through the store thread by a port that `openPort` connects to it.
 */
export async function openThreadReader(
  file: string | undefined,
  openPort: () => MessagePort,
): Promise<ReadCaller> {
  if (file === undefined) return new StoreClient<Reads>(openPort(), "read");
  const { openSqlite } = await import("./dialects/sqlite/sqlite-connection.ts");
  const { createSqliteReadCaller } = await import("./dialects/sqlite/sqlite-callers.ts");
  // Opened when it is first needed: the thread starts beside the store that makes the file.
  let connection: SqliteConnection | undefined;
  return createSqliteReadCaller(() => (connection ??= openSqlite({ file, mode: "read" })));
}
