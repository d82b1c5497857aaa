import { toFailure } from "#domain/shared/fault.ts";
import { passCommit } from "../../../failpoints/failpoints.ts";
import { reads } from "../../reads.ts";
import type { Script, Scripts } from "../../script.ts";
import type { Mailbox, StoreBackend, Waiting } from "../../store-backend.ts";
import type { StoreReply, StoreRequest } from "../../store-protocol.ts";
import { writes } from "../../writes.ts";
import { openDatabase } from "./open-database.ts";
import { openSqlite, type SqliteConnection, toFault } from "./sqlite-connection.ts";

/*
 * The store on SQLite. It commits in groups: everything that waits on any port when it comes
 * round goes into one transaction, which is on disk before any of it is answered. While that commit
 * is under way the next group gathers. Where writes come side by side a group waits a moment until
 * as many are there as usual (a commit costs about as much for ten writes as for one); a lone write
 * does not wait. Reads of a group follow its commit, and see it; where there are many, writes that
 * come meanwhile are not kept waiting for all of them.
 */

const GATHER_MS = 1;
/** Writes in a group, on average, from which on it pays to wait for more. */
const CROWDED = 2;
/** Reads that are made between two groups of writes. */
const READS_MOST = 64;
/** How much the newest group counts in that average. */
const NEWEST_WEIGHT = 0.1;

/** Opens and migrates the database. Throws `Fault`, see `openStore`. */
export async function openSqliteBackend(file: string, mailbox: Mailbox): Promise<StoreBackend> {
  try {
    const db = await openDatabase(file);
    return new SqliteBackend({ db, readDb: openSqlite({ file, mode: "read" }), file, mailbox });
  } catch (error) {
    throw toFault(error, file);
  }
}

interface SqliteBackendDeps {
  readonly db: SqliteConnection;
  readonly readDb: SqliteConnection;
  readonly file: string;
  readonly mailbox: Mailbox;
}

class SqliteBackend implements StoreBackend {
  readonly #deps: SqliteBackendDeps;
  readonly #writeAll: (requests: readonly StoreRequest[]) => StoreReply[];
  #group: Waiting[] = [];
  readonly #reading: Waiting[] = [];
  #usualSize = 0;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #goingOn: ReturnType<typeof setImmediate> | undefined;

  constructor(deps: SqliteBackendDeps) {
    this.#deps = deps;
    const { db } = deps;
    const inTransaction = db.database.transaction((requests: readonly StoreRequest[]) => {
      const replies = requests.map((request) => done(request, db.run(toScript(writes, request))));
      passCommit("before", requests);
      return replies;
    });
    this.#writeAll = (requests) => {
      const replies = inTransaction.immediate(requests);
      passCommit("after", requests);
      return replies;
    };
  }

  take(requests: readonly Waiting[]): void {
    this.#group.push(...requests);
    if (this.#usualSize < CROWDED || this.#group.length >= this.#usualSize) this.#flush();
    else this.#gathering ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  async close(): Promise<void> {
    this.#flush();
    while (this.#reading.length > 0) this.#readSome();
    clearImmediate(this.#goingOn);
    this.#deps.readDb.close();
    this.#deps.db.close();
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    clearImmediate(this.#goingOn);
    this.#goingOn = undefined;
    const due = [...this.#group, ...this.#deps.mailbox.drain()];
    this.#group = [];
    const writing = due.filter(({ request }) => request.target === "write");
    if (writing.length > 0) {
      this.#usualSize += (writing.length - this.#usualSize) * NEWEST_WEIGHT;
      this.#write(writing);
    }
    for (const waiting of due) if (waiting.request.target === "read") this.#reading.push(waiting);
    this.#readSome();
  }

  #readSome(): void {
    const some = this.#reading.splice(0, READS_MOST);
    if (some.length > 0) this.#read(some);
    if (this.#reading.length > 0) this.#goingOn ??= setImmediate(() => this.#flush());
  }

  #write(group: readonly Waiting[]): void {
    const requests = group.map(({ request }) => request);
    this.#deps.mailbox.answer(group, this.#tryWriteAll(requests));
  }

  #tryWriteAll(requests: readonly StoreRequest[]): readonly StoreReply[] {
    try {
      return this.#writeAll(requests);
    } catch {
      // One of them failed and took the group back with it: each gets a transaction of its own.
      return requests.map((each) => this.#attempt(each, () => this.#writeAll([each])[0]));
    }
  }

  #read(group: readonly Waiting[]): void {
    const { readDb, mailbox } = this.#deps;
    const replies = group.map(({ request }) =>
      this.#attempt(request, () => done(request, readDb.run(toScript(reads, request)))),
    );
    mailbox.answer(group, replies);
  }

  #attempt({ id }: StoreRequest, work: () => StoreReply | undefined): StoreReply {
    try {
      return work() as StoreReply;
    } catch (error) {
      return { kind: "failed", id, failure: toFailure(toFault(error, this.#deps.file)) };
    }
  }
}

function toScript(scripts: Scripts, { method, args }: StoreRequest): Script<unknown> {
  return (scripts[method] as Scripts[string])(...args);
}

function done({ id }: StoreRequest, value: unknown): StoreReply {
  return { kind: "done", id, value };
}
