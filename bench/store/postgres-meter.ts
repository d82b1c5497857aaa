import pg from "pg";
import { cpuSecondsOf } from "../processes.ts";

/** What a Postgres database did for others since the meter was opened. */
export interface PostgresUse {
  readonly transactions: number;
  readonly rows: number;
}

interface Counts {
  readonly transactions: string;
  readonly rows: string;
}

const COUNTS = `
  SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())
      AS transactions,
    (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables) AS rows`;
/** The one that instances of Nexflow speak on. */
const CHANNEL = "nexflow";

export class PostgresMeter {
  readonly #client: pg.Client;
  readonly #pid: number | undefined;
  #cpuBefore = Number.NaN;
  #before: PostgresUse = { transactions: 0, rows: 0 };
  #notices = 0;

  private constructor(client: pg.Client, pid: number | undefined) {
    this.#client = client;
    this.#pid = pid;
    client.on("notification", () => {
      this.#notices += 1;
    });
  }

  /** `pid`: that of the server, where it is known. */
  static async open(url: string, pid: number | undefined): Promise<PostgresMeter> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const meter = new PostgresMeter(client, pid);
    await client.query(`LISTEN ${CHANNEL}`);
    meter.#before = await meter.#count();
    meter.#cpuBefore = await cpuSecondsOf(pid);
    return meter;
  }

  get notices(): number {
    return this.#notices;
  }

  /** That all processes of the server took, while those that worked are there. */
  async cpuSeconds(): Promise<number> {
    return (await cpuSecondsOf(this.#pid)) - this.#cpuBefore;
  }

  /** To be called when the others' connections have ended: what they did has been counted then. */
  async close(): Promise<PostgresUse> {
    const after = await this.#count();
    await this.#client.end();
    return {
      transactions: after.transactions - this.#before.transactions,
      rows: after.rows - this.#before.rows,
    };
  }

  async #count(): Promise<PostgresUse> {
    const { rows } = await this.#client.query<Counts>(COUNTS);
    const [counts] = rows;
    return { transactions: Number(counts?.transactions), rows: Number(counts?.rows) };
  }
}
