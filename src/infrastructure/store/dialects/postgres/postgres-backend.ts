import { toFailure } from "#domain/shared/fault.ts";
import { auditUpgrade } from "../../scripts/audit-scripts.ts";
import type { Mailbox, StoreBackend, Waiting } from "../../store-backend.ts";
import type { StoreReply } from "../../store-protocol.ts";
import { migratePostgres } from "./migrate-postgres.ts";
import { createPostgresCallers, type PostgresCallers } from "./postgres-callers.ts";
import { PostgresPool } from "./postgres-pool.ts";

/** Migrates the database and serves it over a pool of connections. Throws `Fault`. */
export async function openPostgresBackend(url: string, mailbox: Mailbox): Promise<StoreBackend> {
  const migrated = await migratePostgres(url);
  const pool = new PostgresPool({ url });
  if (migrated.length > 0) await pool.write(() => auditUpgrade(migrated));
  return new PostgresBackend(pool, mailbox);
}

class PostgresBackend implements StoreBackend {
  readonly #pool: PostgresPool;
  readonly #mailbox: Mailbox;
  readonly #callers: PostgresCallers;
  readonly #underWay = new Set<Promise<void>>();
  #answered: { waiting: Waiting[]; replies: StoreReply[] } = { waiting: [], replies: [] };

  constructor(pool: PostgresPool, mailbox: Mailbox) {
    this.#pool = pool;
    this.#mailbox = mailbox;
    this.#callers = createPostgresCallers(pool);
  }

  take(requests: readonly Waiting[]): void {
    for (const waiting of requests) {
      const work = this.#perform(waiting).finally(() => this.#underWay.delete(work));
      this.#underWay.add(work);
    }
  }

  async close(): Promise<void> {
    this.take(this.#mailbox.drain());
    await Promise.allSettled(this.#underWay);
    this.#sendAnswers();
    await this.#pool.close();
  }

  /** Never rejects. */
  async #perform(waiting: Waiting): Promise<void> {
    const { id, target, method, args } = waiting.request;
    const { reader, writer } = this.#callers;
    const caller = (target === "read" ? reader : writer) as AnyCaller;
    try {
      this.#answer(waiting, { kind: "done", id, value: await caller.call(method, ...args) });
    } catch (error) {
      this.#answer(waiting, { kind: "failed", id, failure: toFailure(error) });
    }
  }

  /** What is done in one turn of the event loop is answered together. */
  #answer(waiting: Waiting, reply: StoreReply): void {
    if (this.#answered.replies.length === 0) setImmediate(() => this.#sendAnswers());
    this.#answered.waiting.push(waiting);
    this.#answered.replies.push(reply);
  }

  #sendAnswers(): void {
    const { waiting, replies } = this.#answered;
    this.#answered = { waiting: [], replies: [] };
    this.#mailbox.answer(waiting, replies);
  }
}

/** The other end has types; on the way here a call is a name and what goes with it. */
interface AnyCaller {
  call(method: string, ...args: readonly unknown[]): Promise<unknown>;
}
