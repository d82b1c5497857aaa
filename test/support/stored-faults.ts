import Database from "better-sqlite3";
import pg from "pg";

/** A SQLite file or the address of a Postgres database. */
export type StoreAddress = { readonly file: string } | { readonly url: string };

interface SegmentRow {
  readonly session_id: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly turn_id: string;
  readonly events_json: string;
}

interface TurnRow {
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly turn_id: string;
  readonly session_id: string;
  readonly state: string;
  readonly client_message_id: string;
  readonly joined_turn_id: string | null;
}

interface MessageRow {
  readonly turn_id: string;
  readonly session_id: string;
  readonly position: number;
  readonly role: string;
  readonly parts_json: string;
}

interface SessionRow {
  readonly session_id: string;
  readonly head_seq: number;
}

type Read = <Row>(sql: string) => Promise<Row[]>;

const END_EVENTS = new Set(["turn-completed", "turn-failed", "turn-cancelled"]);

/**
 * What is wrong in a store at rest: damage, gaps or overlaps in an event log, turns that have not
 * ended exactly once or, where nobody cancelled them, not with one answer. An empty list is a sound
 * store.
 */
export async function listStoredFaults(address: StoreAddress): Promise<string[]> {
  return readStore(address, async (read) => [
    ...("file" in address ? await listDamage(read) : []),
    ...(await listLogFaults(read)),
    ...(await listTurnFaults(read)),
  ]);
}

/** The ids that clients gave to the messages that are stored, in the order of their turns. */
export async function listClientMessageIds(address: StoreAddress): Promise<string[]> {
  return readStore(address, async (read) => {
    const rows = await read<TurnRow>("SELECT * FROM turn ORDER BY turn_id");
    return rows.map((row) => row.client_message_id);
  });
}

/** Runs plain SQL that both stores read. */
export async function readStore<T>(
  address: StoreAddress,
  work: (read: Read) => Promise<T>,
): Promise<T> {
  if ("file" in address) {
    const database = new Database(address.file, { readonly: true });
    try {
      return await work(<Row>(sql: string) =>
        Promise.resolve(database.prepare(sql).all() as Row[]),
      );
    } finally {
      database.close();
    }
  }
  const client = new pg.Client({ connectionString: address.url });
  client.setTypeParser(20, Number);
  await client.connect();
  try {
    return await work(async <Row>(sql: string) => (await client.query(sql)).rows as Row[]);
  } finally {
    await client.end();
  }
}

/** Runs one plain statement beside whoever uses the store. */
export async function writeStore(address: StoreAddress, statement: string): Promise<void> {
  if ("file" in address) {
    const database = new Database(address.file, { timeout: 10_000 });
    database.exec(statement);
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: address.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function listDamage(read: Read): Promise<string[]> {
  const rows = await read<{ integrity_check: string }>("PRAGMA integrity_check");
  return rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
}

async function listLogFaults(read: Read): Promise<string[]> {
  const segments = await read<SegmentRow>("SELECT * FROM event_segment");
  const heads = await read<SessionRow>("SELECT session_id, head_seq FROM session");
  const bySession = Map.groupBy(segments, (segment) => segment.session_id);
  return heads.flatMap(({ session_id: sessionId, head_seq: headSeq }) => {
    const faults: string[] = [];
    let lastSeq = 0;
    const own = bySession.get(sessionId) ?? [];
    for (const segment of own.toSorted((a, b) => a.first_seq - b.first_seq)) {
      if (segment.first_seq !== lastSeq + 1) {
        faults.push(`${sessionId}: ${segment.first_seq} follows ${lastSeq}`);
      }
      lastSeq = segment.last_seq;
    }
    if (headSeq !== lastSeq) faults.push(`${sessionId}: head ${headSeq}, last event ${lastSeq}`);
    return faults;
  });
}

async function listTurnFaults(read: Read): Promise<string[]> {
  const turns = await read<TurnRow>("SELECT * FROM turn");
  const segments = await read<SegmentRow>("SELECT * FROM event_segment");
  const messages = await read<MessageRow>("SELECT * FROM message");
  const ends = Map.groupBy(segments.flatMap(endsIn), ({ turnId }) => turnId);
  const answers = Map.groupBy(messages.filter(isAnswer), (message) => message.turn_id);
  // The message of one that joined another turn is answered there.
  const ownTurns = turns.filter(({ joined_turn_id: joined }) => joined === null);
  return ownTurns.flatMap(({ turn_id: id, state, failure_code: code, failure_message: why }) => {
    const faults: string[] = [];
    const isCancelled = state === "cancelled";
    if (state !== "completed" && !isCancelled) {
      faults.push(`${id}: is ${state}${code === null ? "" : ` (${code}: ${why ?? ""})`}`);
    }
    const endCount = ends.get(id)?.length ?? 0;
    if (endCount !== 1) faults.push(`${id}: ended ${endCount} times in the log`);
    const answerCount = answers.get(id)?.length ?? 0;
    if (answerCount !== 1 && !isCancelled) faults.push(`${id}: has ${answerCount} answers`);
    return faults;
  });
}

function endsIn({ turn_id: turnId, events_json: json }: SegmentRow): { turnId: string }[] {
  const events = JSON.parse(json) as { event: { kind: string } }[];
  return events.filter(({ event }) => END_EVENTS.has(event.kind)).map(() => ({ turnId }));
}

/** A message that says something and calls no tool. */
function isAnswer({ role, parts_json: json }: MessageRow): boolean {
  if (role !== "assistant") return false;
  const parts = JSON.parse(json) as { kind: string }[];
  return parts.length > 0 && parts.every(({ kind }) => kind === "text");
}
