import { BroadcastChannel, MessageChannel, parentPort, workerData } from "node:worker_threads";
import { createToolRunner } from "#application/invoke-skill/invoke-skill.ts";
import type { RunResult, TurnDispatch } from "#application/ports/turn-runner.ts";
import { ABANDONED, CANCELLED, createRunTurn } from "#application/run-turn/run-turn.ts";
import { SessionHistory } from "#application/run-turn/session-history.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";
import { failTask, type Task } from "#domain/task/task.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";
import { failpoint } from "#infrastructure/failpoints/failpoints.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { openLlm } from "#infrastructure/llm/open-llm.ts";
import { openSandbox } from "#infrastructure/skills/open-skills.ts";
import { AuditRecorder } from "#infrastructure/store/audit-recorder.ts";
import { CallRecorder } from "#infrastructure/store/call-recorder.ts";
import { openThreadReader } from "#infrastructure/store/open-thread-reader.ts";
import { createTurnLog } from "#infrastructure/store/repositories.ts";
import { createSkillKv } from "#infrastructure/store/skill-kv.ts";
import { StoreClient } from "#infrastructure/store/store-client.ts";
import type { Writes } from "#infrastructure/store/writes.ts";
import { openLog } from "#infrastructure/telemetry/log.ts";
import {
  AGENT_CHANNEL,
  type AgentNote,
  type AgentNotice,
  type AgentOrder,
  type AgentThreadData,
} from "#infrastructure/workers/protocol.ts";
import { encodeEventFrame } from "#presentation/gateway/event-frame.ts";

/*
 * The composition root of one agent thread. It runs many turns at once and trusted code only: a
 * skill's code runs in the processes that the sandbox starts.
 */

const MAX_ANSWER_CHARS = 1_000_000;
const STOPPED_MOST = 1_000;

const data = workerData as AgentThreadData;
const log = openLog({ level: data.logLevel, secrets: data.secrets });
const nowMs = () => Date.now();
const notices = parentPort;
if (notices === null) throw new Error("Cannot run outside an agent thread");

const notify = (notice: AgentNotice) => notices.postMessage(notice);
let notes: AgentNote[] = [];
const writer = new StoreClient<Writes>(openStorePort(), "write");
const turns = createTurnLog(writer);
const reader = await openThreadReader(data.databaseFile, openStorePort);
const llm = openLlm(data.model, data.openai);
const recorder = new CallRecorder({
  save: (batch) => writer.call("recordCalls", batch),
  nowMs,
  log,
  maxRows: data.maxCallRecords,
});
const audit = new AuditRecorder({
  append: (events) => writer.call("appendAudit", events),
  nowMs,
  log,
});
const sandbox = await openSandbox({
  policyDir: data.policyDir,
  skillsDir: data.skillsDir,
  processes: data.sandboxProcesses,
  kv: createSkillKv({ writer, reader }),
  secrets: data.skillSecrets,
  allowMissingLayers: data.allowMissingLayers,
  label: data.policyLabel,
  recorder,
  audit: audit.record,
  log,
});
const running = new Map<TurnId, AbortController>();
/** Turns whose order to stop came before the turn itself did, or that run elsewhere. */
const stopped = new Set<TurnId>();
listenForOrders();

const tools = createToolRunner({ sandbox, newId, nowMs });
const runTurn = createRunTurn({
  llm,
  turns,
  history: new SessionHistory({ read: (...turn) => reader.call("listHistory", ...turn) }),
  listSkills: () => sandbox.listSkills(),
  tools,
  show,
  newId,
  nowMs,
  log,
  limits: {
    maxSteps: data.maxSteps,
    contextTokens: data.contextTokens,
    turnTimeoutMs: data.turnTimeoutMs,
    maxAnswerChars: MAX_ANSWER_CHARS,
  },
});

type AgentTask =
  | { readonly kind: "warm-up" }
  | { readonly kind: "turn"; readonly dispatch: TurnDispatch }
  | { readonly kind: "call"; readonly task: Task };

/** Piscina calls this for every task. */
export default async function runTask(task: AgentTask): Promise<RunResult | Task | undefined> {
  if (task.kind === "warm-up") return undefined;
  if (task.kind === "call") return callSkill(task.task);
  const { turnId, epoch } = task.dispatch;
  failpoint("turn:begin");
  const controller = new AbortController();
  running.set(turnId, controller);
  if (stopped.delete(turnId)) controller.abort(CANCELLED);
  try {
    const result = await runTurn(task.dispatch, controller.signal);
    if (result.kind === "ended") tell({ kind: "ended", turnId, epoch, headSeq: result.headSeq });
    return result;
  } finally {
    // Whoever stops the thread waits for turns only: their records go before they count as ended.
    recorder.flush();
    audit.flush();
    if (running.get(turnId) === controller) running.delete(turnId);
  }
}

/** Makes a call that belongs to no turn and gives its task as it ended. */
async function callSkill(task: Task): Promise<Task> {
  try {
    return (await tools.invoke(task, AbortSignal.timeout(data.turnTimeoutMs))).task;
  } catch (error) {
    log.error({ taskId: task.id, error }, "A skill could not be run");
    return failTask(task, toFailure(error), nowMs());
  } finally {
    recorder.flush();
  }
}

function show(dispatch: TurnDispatch, events: readonly NumberedEvent[]): void {
  const { sessionId, turnId, epoch } = dispatch;
  failpoint(isEnd(events.at(-1)?.event) ? "turn:show-end" : "turn:show");
  const frames = events.map(({ seq, event }) => ({
    seq,
    frame: encodeEventFrame({ sessionId, turnId, epoch, seq, event }),
  }));
  tell({ kind: "shown", sessionId, turnId, epoch, frames });
}

function isEnd({ kind }: Partial<TurnEvent> = {}): boolean {
  return kind === "turn-completed" || kind === "turn-failed" || kind === "turn-cancelled";
}

/** What all turns have to say in one turn of the event loop travels together. */
function tell(note: AgentNote): void {
  if (notes.length === 0) setImmediate(sendNotes);
  notes.push(note);
}

function sendNotes(): void {
  notify({ kind: "notes", notes });
  notes = [];
}

function openStorePort() {
  const { port1, port2 } = new MessageChannel();
  notices?.postMessage({ kind: "store-port", port: port2 } satisfies AgentNotice, [port2]);
  return port1;
}

/** Remembers the latest orders only: most are for turns of other threads. */
function rememberStopped(turnId: TurnId): void {
  stopped.add(turnId);
  if (stopped.size <= STOPPED_MOST) return;
  for (const oldest of stopped) {
    stopped.delete(oldest);
    return;
  }
}

function listenForOrders(): void {
  const orders = new BroadcastChannel(AGENT_CHANNEL);
  orders.onmessage = (message) => {
    const order = (message as { readonly data: AgentOrder }).data;
    const controller = running.get(order.turnId);
    if (controller !== undefined) controller.abort(order.kind === "cancel" ? CANCELLED : ABANDONED);
    // A run that is given up before it is here is another thread's; its turn may come here anew.
    else if (order.kind === "cancel") rememberStopped(order.turnId);
  };
  orders.unref();
}
