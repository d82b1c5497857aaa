import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { openSocket } from "./open-socket.ts";

/*
 * The load of the `turn` benchmark, a process of its own: `sessions` sockets, each with one
 * session in which a turn begins as soon as the one before has ended. Tells its parent what it
 * saw, in milliseconds and counts.
 */

interface Plan {
  /** Of the instances, among which the sessions are divided. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly sessions: number;
  readonly text: string;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What the load saw between warm-up and end. */
export interface TurnLoadResult {
  readonly turns: number;
  /** Those of the warm-up too. */
  readonly allTurns: number;
  readonly failed: number;
  readonly seconds: number;
  readonly turnMs: readonly number[];
  readonly acceptMs: readonly number[];
}

interface Frame {
  readonly type: string;
  readonly sessionId?: string;
  readonly turnId?: string;
  readonly code?: string;
  readonly event?: { readonly type: string; readonly outcome?: { readonly type: string } };
}

/** Nothing dies here: a snapshot in place of the events is a failure as well. */
const ENDS = new Set(["RUN_FINISHED", "RUN_ERROR", "MESSAGES_SNAPSHOT"]);

const plan = JSON.parse(process.argv[2] ?? "") as Plan;
const turnMs: number[] = [];
const acceptMs: number[] = [];
let turns = 0;
let allTurns = 0;
let failed = 0;
let isMeasuring = false;
let isOver = false;

const sockets = await Promise.all(
  Array.from({ length: plan.sessions }, (_, at) => openSession(at)),
);
await sleep(plan.warmUpMs);
isMeasuring = true;
const startedAtMs = performance.now();
await sleep(plan.measureMs);
isOver = true;
const seconds = (performance.now() - startedAtMs) / 1_000;
const result: TurnLoadResult = { turns, allTurns, failed, seconds, turnMs, acceptMs };
process.send?.(result, () => {
  for (const socket of sockets) socket.terminate();
  process.exit();
});

async function openSession(at: number): Promise<WebSocket> {
  const url = plan.urls[at % plan.urls.length] ?? "";
  const socket = await openSocket({ url, token: plan.token });
  let sessionId: string | undefined;
  let sentAtMs = 0;
  const next = () => {
    if (isOver) return;
    sentAtMs = performance.now();
    const clientMessageId = randomUUID();
    socket.send(JSON.stringify({ type: "send", clientMessageId, text: plan.text, sessionId }));
  };
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString("latin1")) as Frame;
    if (frame.type === "accepted") {
      sessionId = frame.sessionId;
      if (isMeasuring && !isOver) acceptMs.push(performance.now() - sentAtMs);
    } else if (frame.type === "error") {
      failed += 1;
      setTimeout(next, 100);
    } else if (ENDS.has(frame.event?.type ?? "")) {
      allTurns += 1;
      if (frame.event?.type !== "RUN_FINISHED") failed += 1;
      if (isMeasuring && !isOver) {
        turns += 1;
        turnMs.push(performance.now() - sentAtMs);
      }
      next();
    }
  });
  next();
  return socket;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
