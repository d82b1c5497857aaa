import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BroadcastChannel, MessageChannel, parentPort, workerData } from "node:worker_threads";
import { createBuildContext } from "#application/build-context/build-context.ts";
import { createToolRunner } from "#application/invoke-skill/invoke-skill.ts";
import { RunningCalls } from "#application/invoke-skill/running-calls.ts";
import { createUnattendedCall } from "#application/invoke-skill/unattended-call.ts";
import { budgetSettingsSchema } from "#application/keep-budgets/budget-settings.ts";
import { createTurnBudget } from "#application/keep-budgets/keep-budgets.ts";
import type { SkillsThereAre } from "#application/ports/list-skills.ts";
import type { RunResult, TurnDispatch } from "#application/ports/turn-runner.ts";
import { BackgroundCalls } from "#application/run-turn/background-calls.ts";
import { createRunTurn } from "#application/run-turn/run-turn.ts";
import { SessionHistory } from "#application/run-turn/session-history.ts";
import { ABANDONED, CANCELLED } from "#application/run-turn/turn-signal.ts";
import { createOwnTools } from "#application/use-own-tools/own-tools.ts";
import { type Brake, stoppedBy } from "#domain/brake/brake.ts";
import { NO_TAINT } from "#domain/session/session-taint.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";
import { OWN_SKILL } from "#domain/skill/tool-name.ts";
import { failTask, type Task } from "#domain/task/task.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";
import { failpoint } from "#infrastructure/failpoints/failpoints.ts";
import { newId, sha256 } from "#infrastructure/ids/ids.ts";
import { loadTokenizer } from "#infrastructure/llm/load-tokenizer.ts";
import { openModels } from "#infrastructure/llm/open-models.ts";
import { openMcp } from "#infrastructure/mcp/open-mcp.ts";
import { openSettings } from "#infrastructure/settings/settings-file.ts";
import { openSandbox } from "#infrastructure/skills/open-skills.ts";
import { openPromptSkills } from "#infrastructure/skills/prompt-skills.ts";
import { AuditRecorder } from "#infrastructure/store/audit-recorder.ts";
import { CallRecorder } from "#infrastructure/store/call-recorder.ts";
import { openThreadReader } from "#infrastructure/store/open-thread-reader.ts";
import {
  createApprovalRepository,
  createBackgroundTasks,
  createContextStore,
  createNoteRepository,
  createSpendRepository,
  createTaskRepository,
  createTurnControls,
  createTurnLog,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import { createSkillKv } from "#infrastructure/store/skill-kv.ts";
import { StoreClient } from "#infrastructure/store/store-client.ts";
import type { Writes } from "#infrastructure/store/writes.ts";
import { openLog } from "#infrastructure/telemetry/log.ts";
import { maskLlm } from "#infrastructure/telemetry/mask-llm.ts";
import { maskTools } from "#infrastructure/telemetry/mask-tools.ts";
import { isSecretInSpeech, SecretMasker } from "#infrastructure/telemetry/secret-masker.ts";
import { createShowSkills } from "#infrastructure/telemetry/show-skills.ts";
import { Tally } from "#infrastructure/telemetry/tally.ts";
import { startThreadMeter } from "#infrastructure/telemetry/thread-meter.ts";
import { traceParentOf } from "#infrastructure/telemetry/trace-ids.ts";
import { TurnMeter } from "#infrastructure/telemetry/turn-meter.ts";
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
const MCP_TRIED_MS = 3_000;

const data = workerData as AgentThreadData;
const log = openLog({ level: data.logLevel, secrets: data.secrets });
const nowMs = () => Date.now();
const notices = parentPort;
if (notices === null) throw new Error("Cannot run outside an agent thread");

const notify = (notice: AgentNotice) => notices.postMessage(notice);
let notes: AgentNote[] = [];
const writer = new StoreClient<Writes>(openStorePort(), "write");
const spoken = new SecretMasker(isSecretInSpeech, data.secrets);
const showSkills = createShowSkills(spoken);
const tally = new Tally((label) => spoken.mask(label));
const meter = new TurnMeter({ tally, listSkills: () => tools.listSkills(), nowMs });
const tracer = data.tracing && (await loadTracer(data.tracing));
const parentOf = data.tracing?.isPropagated === true ? traceParentOf : undefined;
const metered = meter.watch(createTurnLog(writer));
const turns = tracer?.watch(metered) ?? metered;
const reader = await openThreadReader(data.databaseFile, openStorePort);
const models = await openModels({ access: data.models, log });
const llm = maskLlm(models.llm, spoken);
const budgets = await openSettings({
  path: path.join(data.models.homeDir, "budgets.yaml"),
  schema: budgetSettingsSchema,
  log,
});
const spend = createSpendRepository(reader, writer);
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
  recorder: {
    addCall: (record) => recorder.addCall(record),
    addHostCall(call) {
      tally.count("nexflow_host_calls_total", 1, call.record.decision);
      recorder.addHostCall(call);
    },
  },
  audit: audit.record,
  log,
});
const promptSkills = await openPromptSkills({
  roots: data.promptSkillDirs,
  judge: (skill) => sandbox.judgePromptSkill(skill),
  nowMs,
  log,
});
const ownTools = createOwnTools({
  promptSkills,
  notes: createNoteRepository(reader, writer),
  findTaint: async (sessionId) => (await reader.call("findSession", sessionId))?.taint ?? NO_TAINT,
  newId,
  nowMs,
});
const mcp = await openMcp({
  homeDir: data.models.homeDir,
  secrets: data.skillSecrets,
  onSecrets(values) {
    spoken.add(values);
    log.addSecrets(values);
  },
  mask: (text) => spoken.mask(text),
  createStreamMask: () => log.createStreamMask(),
  findBrake: () => reader.call("findBrake"),
  pin: (input) => writer.call("pinMcpTools", input),
  audit: audit.record,
  traceParentOf: parentOf,
  log,
});
startThreadMeter({
  tally,
  readSandbox: () => sandbox.stats(),
  readBreakers: () =>
    models.llm.breakers().map(({ model, state }) => ({ model: tally.toLabel(model), state })),
  send: (measures) => notify({ kind: "measured", measures }),
});
const running = new Map<TurnId, AbortController>();
/** Turns whose order to stop came before the turn itself did, or that run elsewhere. */
const stopped = new Set<TurnId>();
/** As the main thread says; `undefined` before it has said anything. */
let brake: Brake | "off" | undefined;
/** Aborts the calls that belong to no turn when the brake is put on. */
let braking = new AbortController();
listenForOrders();

const tools = new RunningCalls(
  createToolRunner({
    sources: [sandbox, ownTools, mcp].map((source) => maskTools(source, spoken)),
    audit: audit.record,
    newId,
    nowMs,
  }),
);
const background = new BackgroundCalls({
  tasks: createBackgroundTasks(writer),
  afterMs: data.backgroundAfterMs,
  onEnded: (task) => {
    meter.noteTask(task);
    notify({ kind: "reports-due" });
  },
  nowMs,
  log,
});
const callUnattended = createUnattendedCall({
  listSkills: () => tools.listSkills(),
  decide: (request) => tools.decide(request),
  invoke: (task, signal) => tools.invoke(task, signal),
  findBrake: () => reader.call("findBrake"),
  audit: audit.record,
  nowMs,
});
const runTurn = createRunTurn({
  llm,
  turns,
  history: new SessionHistory({ read: (...turn) => reader.call("listHistory", ...turn) }),
  buildContext: createBuildContext({
    store: createContextStore(reader, writer),
    promptSkills,
    loadTokenizer,
    findModelWindow: models.findWindow,
    maxContextTokens: data.contextTokens,
    newId,
    nowMs,
    log,
  }),
  tools,
  background,
  budget: createTurnBudget({
    spends: spend,
    findUser: (userId) => reader.call("findUser", userId),
    settings: () => budgets.current,
    priceOf: models.priceOf,
    nowMs,
    log,
  }),
  approvals: createApprovalRepository(reader, writer),
  tasks: createTaskRepository(reader, writer),
  spend,
  controls: createTurnControls(reader),
  readTurn: createTurnReader(reader),
  knownBrake: () => brake,
  hash: sha256,
  traceParentOf: parentOf,
  show,
  newId,
  nowMs,
  log,
  limits: {
    maxSteps: data.maxSteps,
    turnTimeoutMs: data.turnTimeoutMs,
    maxAnswerChars: MAX_ANSWER_CHARS,
  },
});

// A turn that comes at once may want their tools; one that is slow to begin holds up nobody.
await Promise.race([mcp.tried, delay(MCP_TRIED_MS, undefined, { ref: false })]);

type AgentTask =
  | { readonly kind: "warm-up" }
  | { readonly kind: "list-skills" }
  | { readonly kind: "turn"; readonly dispatch: TurnDispatch }
  | { readonly kind: "call"; readonly task: Task };

/** Piscina calls this for every task. */
export default async function runTask(
  task: AgentTask,
): Promise<RunResult | SkillsThereAre | Task | undefined> {
  if (task.kind === "warm-up") return undefined;
  if (task.kind === "list-skills") return listSkills();
  if (task.kind === "call") return callSkill(task.task);
  const result = await run(task.dispatch);
  // The pool learns by this promise that the thread died with calls that went on without the turn.
  if (result.kind !== "fenced") await background.settled(task.dispatch.turnId);
  recorder.flush();
  audit.flush();
  return result;
}

async function run(dispatch: TurnDispatch): Promise<RunResult> {
  const { turnId, epoch } = dispatch;
  failpoint("turn:begin");
  const controller = new AbortController();
  running.set(turnId, controller);
  meter.begun(dispatch);
  tracer?.begun(dispatch);
  if (stopped.delete(turnId)) controller.abort(CANCELLED);
  let result: RunResult | undefined;
  try {
    result = await runTurn(dispatch, controller.signal);
    if (result.kind !== "fenced") tell({ ...result, turnId, epoch });
    return result;
  } finally {
    // What is left of a run that lost its turn are calls that the turn's next run knows nothing of.
    if (result === undefined || result.kind === "fenced") controller.abort(ABANDONED);
    meter.ended(dispatch, result?.kind === "ended");
    tracer?.ended(dispatch);
    // Whoever stops the thread waits for turns only: their records go before they count as ended.
    recorder.flush();
    audit.flush();
    if (running.get(turnId) === controller) running.delete(turnId);
  }
}

function listSkills(): SkillsThereAre {
  const installed = tools.listSkills().filter(({ name }) => name !== OWN_SKILL);
  return { skills: showSkills(installed), promptSkills: promptSkills.list() };
}

/** Few want traces, and what makes them is large. */
async function loadTracer(options: NonNullable<AgentThreadData["tracing"]>) {
  const { openTracer } = await import("#infrastructure/telemetry/open-tracer.ts");
  return openTracer(options, (text) => spoken.mask(text));
}

/** Makes a call that belongs to no turn and gives its task as it ended. */
async function callSkill(task: Task): Promise<Task> {
  try {
    const ends = [braking.signal, AbortSignal.timeout(data.turnTimeoutMs)];
    return await callUnattended(task, AbortSignal.any(ends));
  } catch (error) {
    log.error({ taskId: task.id, error }, "A skill could not be run");
    return failTask(task, toFailure(error), nowMs());
  } finally {
    recorder.flush();
    audit.flush();
  }
}

function show(dispatch: TurnDispatch, events: readonly NumberedEvent[]): void {
  const { sessionId, turnId, epoch } = dispatch;
  failpoint(isEnd(events.at(-1)?.event) ? "turn:show-end" : "turn:show");
  meter.shown(dispatch, events);
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

function takeBrake(now: Brake | undefined): void {
  brake = now ?? "off";
  if (now === undefined) return;
  const reason = stoppedBy(now);
  for (const controller of running.values()) controller.abort(reason);
  braking.abort(reason);
  braking = new AbortController();
  // What goes on without its turn.
  tools.stopAll();
}

/** What ends by itself with the thread is left to that; MCP servers elsewhere would not know. */
async function close(): Promise<void> {
  try {
    await mcp[Symbol.asyncDispose]();
  } catch (error) {
    log.warn({ error }, "The MCP servers cannot be let go of");
  }
  notify({ kind: "closed" });
}

function listenForOrders(): void {
  const orders = new BroadcastChannel(AGENT_CHANNEL);
  orders.onmessage = (message) => {
    const order = (message as { readonly data: AgentOrder }).data;
    if (order.kind === "brake") return takeBrake(order.brake);
    if (order.kind === "cancel-task") return tools.stop(order.taskId);
    if (order.kind === "stop-calls") return tools.stopOf(order.owner);
    if (order.kind === "close") return void close();
    const controller = running.get(order.turnId);
    if (controller !== undefined) controller.abort(order.kind === "cancel" ? CANCELLED : ABANDONED);
    // A run that is given up before it is here is another thread's; its turn may come here anew.
    else if (order.kind === "cancel") rememberStopped(order.turnId);
  };
  orders.unref();
}
