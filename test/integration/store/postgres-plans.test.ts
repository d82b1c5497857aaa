import pg from "pg";
import { test } from "vitest";
import {
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { acceptAll } from "#infrastructure/store/dialects/postgres/accept-all.ts";
import { migratePostgres } from "#infrastructure/store/dialects/postgres/migrate-postgres.ts";
import type { PostgresPool } from "#infrastructure/store/dialects/postgres/postgres-pool.ts";
import { saveAll } from "#infrastructure/store/dialects/postgres/save-all.ts";
import { modelCallOf } from "../../support/agent-store.ts";
import { openTestDatabase } from "../../support/postgres.ts";

const SESSIONS = 10_000;
const BATCH_SIZES = [1, 20, 100];
const FILL = [
  `INSERT INTO "user" (user_id, name, role, created_at_ms) VALUES ('ada', 'Ada', 'member', 0)`,
  `INSERT INTO session
     (session_id, user_id, title, created_at_ms, updated_at_ms, head_seq, head_epoch)
   SELECT 's' || i, 'ada', 'Title', 0, 0, 0, 0 FROM generate_series(1, ${SESSIONS}) AS i`,
  `INSERT INTO message (session_id, turn_id, position, message_id, role, parts_json, is_complete,
     created_at_ms)
   SELECT 's' || i, 'a' || i, 0, 'm' || i, 'user', '[]', 1, 0
   FROM generate_series(1, ${SESSIONS}) AS i`,
  `INSERT INTO turn (turn_id, session_id, user_id, user_message_id, client_message_id, accepted_seq,
     state, attempts, epoch, created_at_ms)
   SELECT 'a' || i, 's' || i, 'ada', 'm' || i, 'c' || i, 0, 'running', 1, 1, 0
   FROM generate_series(1, ${SESSIONS}) AS i`,
  `INSERT INTO model_call (turn_id, model_call_id, session_id, user_id, step, model, state,
     input_tokens, output_tokens, cost_nano_usd, started_at_ms)
   SELECT 'a' || i, 'c' || i, 's' || i, 'ada', 1, 'mock/one', 'reserved', 1, 1, 1, 0
   FROM generate_series(1, ${SESSIONS}) AS i`,
];

test("no batch of writes goes through all sessions, turns, messages or model calls", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await migratePostgres(database.url);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    for (const statement of FILL) await client.query(statement);
    // Before the tables have ever been looked at, and after.
    for (const look of ["SELECT 1", "ANALYZE"]) {
      await client.query(look);
      for (const size of BATCH_SIZES) {
        for (const [text, values] of await captureStatements(size)) {
          const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, values);
          const plan = rows.map((row) => row["QUERY PLAN"]);
          const scans = plan.filter((line) =>
            /Seq Scan on (?:session|turn|message|model_call)\b/u.test(line),
          );
          expect(scans, `${size} in a batch, ${look}`).toEqual([]);
        }
      }
    }
  } finally {
    await client.end();
  }
});

type Statement = [text: string, values: unknown[]];

/** What `accept` and `save` send for a batch. */
async function captureStatements(size: number): Promise<readonly Statement[]> {
  const statements: Statement[] = [];
  const pool = {
    query: (text: string, values: unknown[]) => {
      statements.push([text, values]);
      return Promise.resolve([]);
    },
  } as unknown as PostgresPool;
  const numbers = Array.from({ length: size }, (_, at) => at + 1);
  await acceptAll(pool, numbers.map(toAccept));
  await saveAll(pool, numbers.map(toSave));
  return statements;
}

function toAccept(at: number) {
  return {
    turnId: parseTurnId(`b${at}`),
    userId: parseUserId("ada"),
    clientMessageId: `d${at}`,
    messageId: parseMessageId(`n${at}`),
    text: "hello",
    session: { id: parseSessionId(`s${at}`), isNew: at % 2 === 0 },
    owner: { instanceId: parseInstanceId("here"), epoch: 1 },
    nowMs: 1,
  };
}

function toSave(at: number) {
  return {
    turnId: parseTurnId(`a${at}`),
    sessionId: parseSessionId(`s${at}`),
    epoch: 1,
    messages: [],
    tasks: [],
    events: [{ seq: 1, event: { kind: "turn-completed" } as const }],
    // Some end, some go on, and of those some have taken time.
    ...(at % 2 === 0 ? { ranMs: at % 4 } : { end: { kind: "completed", endedAtMs: 1 } as const }),
    modelCalls: [
      modelCallOf({ turnId: parseTurnId(`a${at}`), sessionId: parseSessionId(`s${at}`) }),
    ],
    nowMs: 1,
  };
}
