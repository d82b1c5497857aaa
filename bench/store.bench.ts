import { openBenchPostgres } from "./open-bench-postgres.ts";
import type { BenchOptions } from "./options.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";
import { type Block, loadNexflow, loadRaw, type SessionKind } from "./store/accept-load.ts";
import { type BenchStore, openPostgresStore, openSqliteStore } from "./store/bench-store.ts";

/*
 * What it costs to accept a message durably, against the rows of that message written by the
 * database's driver alone, in batches. Blocks of both are interleaved.
 */

const CLIENTS = [1, 100, 500];
const KINDS: readonly SessionKind[] = ["existing", "new"];
const ROUNDS = 3;
const BLOCK_MS = 900;
const BEST_OF = [64, 256, 1_024, 4_096];
const PROBE_MS = 300;

/** Runs the benchmark: about two minutes. */
export async function run({ scale }: BenchOptions): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  const sqlite = await openSqliteStore();
  try {
    rows.push(...(await measureStore(sqlite, scale)));
  } finally {
    await sqlite[Symbol.asyncDispose]();
  }
  const server = await openBenchPostgres();
  try {
    const postgres = await openPostgresStore(server);
    rows.push(...(await measureStore(postgres, scale)));
    await postgres[Symbol.asyncDispose]();
  } finally {
    await server[Symbol.asyncDispose]();
  }
  return {
    name: "store",
    method:
      `clients that each send a message when the last one is accepted, from the main thread; raw: the same rows ` +
      `by better-sqlite3 or node-postgres alone, without any question asked, in batches of the size that Nexflow's had ` +
      `(1 prepared statement for each table; Postgres: 1 for all, as many batches at a time as Nexflow has, at most 2); best: in the batches that suit ` +
      `the driver best; every commit on disk (SQLite synchronous=FULL, Postgres fsync=on); ${ROUNDS} interleaved blocks ` +
      `of ${BLOCK_MS * scale} ms, medians, ratios round by round; p50 and p99 of all blocks`,
    machine: describeMachine(),
    rows,
  };
}

async function measureStore(store: BenchStore, scale: number): Promise<BenchRow[]> {
  const counts = await store.countRows();
  const rows: BenchRow[] = [];
  for (const kind of KINDS) {
    const bestSize = await findBestSize(store, kind, scale);
    const rounds: Round[] = [];
    // The first round warms up and is not counted.
    for (let at = 0; at <= ROUNDS; at += 1) {
      const blockMs = (at === 0 ? BLOCK_MS / 3 : BLOCK_MS) * scale;
      const measured = await measureRound(store, { kind, bestSize, blockMs });
      if (at > 0) rounds.push(measured);
    }
    const about = { store: store.name, sessions: kind, "rows/accept": round(counts[kind]) };
    rows.push(...CLIENTS.map((clients) => ({ ...about, ...toRow(clients, rounds, bestSize) })));
  }
  return rows;
}

interface Round {
  readonly best: Block;
  readonly byClients: ReadonlyMap<number, { readonly own: Block; readonly raw: Block }>;
}

interface RoundPlan {
  readonly kind: SessionKind;
  readonly bestSize: number;
  readonly blockMs: number;
}

async function measureRound(store: BenchStore, plan: RoundPlan): Promise<Round> {
  const { kind, blockMs, bestSize } = plan;
  const byClients = new Map<number, { own: Block; raw: Block }>();
  for (const clients of CLIENTS) {
    const own = await loadNexflow(store, { kind, blockMs, clients });
    const batch = Math.max(1, Math.round(own.batch));
    byClients.set(clients, { own, raw: await loadRaw(store, { kind, blockMs, clients, batch }) });
  }
  const best = { batch: bestSize, clients: Number.POSITIVE_INFINITY };
  return { best: await loadRaw(store, { kind, blockMs, ...best }), byClients };
}

async function findBestSize(store: BenchStore, kind: SessionKind, scale: number): Promise<number> {
  let best = { size: 0, rate: 0 };
  for (const batch of BEST_OF) {
    const load = { kind, batch, clients: Number.POSITIVE_INFINITY, blockMs: PROBE_MS * scale };
    const { acceptsPerSecond } = await loadRaw(store, load);
    if (acceptsPerSecond > best.rate) best = { size: batch, rate: acceptsPerSecond };
  }
  return best.size;
}

function toRow(clients: number, rounds: readonly Round[], bestSize: number): BenchRow {
  const pairs = rounds.flatMap(({ best, byClients }) => {
    const pair = byClients.get(clients);
    return pair === undefined ? [] : [{ ...pair, best }];
  });
  const middle = (valueOf: (pair: (typeof pairs)[number]) => number) =>
    quantile(pairs.map(valueOf), 0.5);
  const tookMs = pairs.flatMap(({ own }) => own.tookMs);
  return {
    clients,
    "accepts/s": Math.round(middle(({ own }) => own.acceptsPerSecond)),
    "p50 ms": round(quantile(tookMs, 0.5)),
    "p99 ms": round(quantile(tookMs, 0.99)),
    batch: round(
      middle(({ own }) => own.batch),
      1,
    ),
    "raw/s": Math.round(middle(({ raw }) => raw.acceptsPerSecond)),
    "of raw": round(middle(({ own, raw }) => own.acceptsPerSecond / raw.acceptsPerSecond)),
    "best batch": bestSize,
    "best/s": Math.round(middle(({ best }) => best.acceptsPerSecond)),
    "of best": round(middle(({ own, best }) => own.acceptsPerSecond / best.acceptsPerSecond)),
  };
}
