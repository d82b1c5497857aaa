import { type Reads, reads } from "../../reads.ts";
import type { ScriptCaller, Scripts } from "../../script.ts";
import { type Writes, writes } from "../../writes.ts";
import { type SqliteConnection, toFault } from "./sqlite-connection.ts";

/** Reads on a connection of this thread's own. */
export function createSqliteReadCaller(open: () => SqliteConnection): ScriptCaller<Reads> {
  return createCaller(reads, (script) => open().run(script));
}

/** Writes on a connection of this thread's own, each at once and in a transaction. */
export function createSqliteWriteCaller(connection: SqliteConnection): ScriptCaller<Writes> {
  const { database } = connection;
  return createCaller(writes, (script) =>
    database.transaction(() => connection.run(script)).immediate(),
  );
}

function createCaller<All extends Scripts>(
  scripts: All,
  run: SqliteConnection["run"],
): ScriptCaller<All> {
  return {
    call: async (name, ...args) => {
      try {
        return run((scripts[name] as All[typeof name])(...args)) as never;
      } catch (error) {
        throw toFault(error, "");
      }
    },
  };
}
