import { availableParallelism } from "node:os";
import path from "node:path";
import { createChooseModel } from "#application/choose-model/choose-model.ts";
import type { Logger } from "#application/ports/logger.ts";
import { createReadSession } from "#application/read-session/read-session.ts";
import type { AuditEvent, AuditLog, ListAudit } from "#domain/audit/audit-log.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { TaskId, UserId } from "#domain/shared/id.ts";
import type { ListTasks, TaskRepository } from "#domain/task/task-repository.ts";
import { openBus } from "#infrastructure/bus/open-bus.ts";
import { armFailpoints } from "#infrastructure/failpoints/failpoints.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import type { ModelAccess } from "#infrastructure/llm/model-access.ts";
import { openModels } from "#infrastructure/llm/open-models.ts";
import { isLoopback } from "#infrastructure/settings/web-address.ts";
import { AuditRecorder } from "#infrastructure/store/audit-recorder.ts";
import { locateStore, openStore } from "#infrastructure/store/open-store.ts";
import { createAuditLog, createIdempotencyKeys } from "#infrastructure/store/repositories.ts";
import { createVerifyAudit } from "#infrastructure/store/verify-audit.ts";
import { AgentPool } from "#infrastructure/workers/agent-pool.ts";
import type { Denial } from "#presentation/gateway/use-cases.ts";
import packageJson from "../package.json" with { type: "json" };
import { openAccess } from "./compose-access.ts";
import { openBrake } from "./compose-brake.ts";
import { openMetrics } from "./compose-metrics.ts";
import { openSchedules } from "./compose-schedules.ts";
import { openTurns } from "./compose-turns.ts";
import type { Config } from "./config.ts";

const VERSION = packageJson.version;
const SHIPPED_POLICY_DIR = path.resolve(import.meta.dirname, "../sandbox-policies");
const WEB_DIR = path.resolve(import.meta.dirname, "presentation/web/dist");
const RECONNECT_AFTER_MS = 2_000;
const DRAIN_MS = 20_000;

/** A running Nexflow. */
export interface App extends AsyncDisposable {
  /** Where people reach it. */
  readonly url: string;
  /** The link that signs the admin in; there only when a token was made just now. */
  readonly loginUrl: string | undefined;
  readonly model: string;
  /** Fulfilled where a part is gone without which nothing works: the process had better end. */
  readonly lost: Promise<Error>;
  /** Stops taking messages, lets running turns end (at most 20 s), then closes everything. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly log: Logger;
}

/**
 * Starts Nexflow: store, agent threads, gateway. Throws `Fault`: `CONFIG_INVALID` where the
 * configuration is unsafe or cannot work, the store's own where the data directory cannot be used.
 */
export async function openApp({ config, log }: AppOptions): Promise<App> {
  assertSafeToServe(config);
  armFailpoints(config.failpoints);
  const opened: AsyncDisposable[] = [];
  try {
    return await open({ config, log }, opened);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** Opens the parts in order and puts each on `opened`, for whoever must close them. */
async function open({ config, log }: AppOptions, opened: AsyncDisposable[]): Promise<App> {
  const nowMs = () => Date.now();
  // The threads start while this one loads what it needs itself.
  const metrics = openMetrics();
  const opening = openStore(config.homeDir, config.databaseUrl, metrics.takeStore);
  const pool = openPool(config, log);
  opened.push(pool);
  const loading = import("#presentation/gateway/gateway.ts");
  loading.catch(() => undefined);
  const store = await opening;
  opened.unshift(store);
  const auditLog = createAuditLog(store.reader, store.writer);
  const records = new AuditRecorder({
    append: (events) => auditLog.append(events),
    nowMs,
    log,
  });
  const { databaseDirectUrl: directUrl, redisUrl } = config;
  const bus = await openBus({ location: store.location, directUrl, redisUrl, log });
  opened.push(bus);
  const turns = openTurns({
    store,
    pool,
    bus,
    config,
    onMeasured: metrics.takeThread,
    onReportsDue: () => schedules.wakeReports(),
    nowMs,
    log,
  });
  opened.push(turns);
  const { dispatcher } = turns;
  const brake = openBrake({ store, pool, bus, nowMs, log });
  opened.push(brake);
  const models = await openModels({ access: toModelAccess(config), log });
  opened.push({ [Symbol.asyncDispose]: async () => models.close() });
  const stopTurnsOf = (userId: UserId) => {
    dispatcher.cancelAllOf(userId);
    pool.stopCallsOf(userId);
  };
  const access = openAccess({ store, auditLog, bus, stopTurnsOf, nowMs, log });
  opened.push(access);
  const [{ openGateway }, token] = await Promise.all([
    loading,
    access.setUpAdmin(config.adminToken),
  ]);
  const schedules = await openSchedules({
    store,
    acceptMessage: turns.useCases.acceptMessage,
    callSkill: (task) => pool.callSkill(task),
    expireApproval: turns.expireApproval,
    reportTask: turns.reportTask,
    listSkills: () => pool.listSkills(),
    audit: records.record,
    nowMs,
    log,
    maxPerUser: config.maxSchedulesPerUser,
    eventRetentionDays: config.eventRetentionDays,
  });
  let notReady: string | undefined = "starting";
  const gateway = await openGateway(
    {
      ...access.useCases,
      ...turns.useCases,
      ...brake.useCases,
      ...schedules.useCases,
      ...createReadSession({
        sessions: turns.sessions,
        stopCallsOf: (sessionId) => pool.stopCallsOf(sessionId),
        audit: (event) => auditLog.append([event]),
        nowMs,
      }),
      ...readRecords(turns.tasks, auditLog),
      chooseModel: createChooseModel({
        sessions: turns.sessions,
        judgeModel: (name) => models.judge(name),
      }),
      describeModels: () => models.describe(),
      watchCredential: (principal, watcher) => access.watch.watch(principal, watcher),
      noteDenied: (denial) => records.record(toAuditEvent(denial, nowMs())),
      renderMetrics: () => metrics.render(),
      idempotency: createIdempotencyKeys(store.writer, { newId, nowMs }),
      listSkills: () => pool.listSkills(),
      listModels: () => models.names,
      judgeModel: (name) => models.judge(name),
      readiness: () => {
        const reason = notReady ?? dispatcher.trouble;
        // Without the bus the others are only later told: no reason to take no more messages.
        const reasons = [reason, bus.trouble].filter((each) => each !== undefined);
        return { isReady: reason === undefined, reasons };
      },
      about: () => ({ model: models.defaultModel, version: VERSION }),
    },
    {
      host: config.host,
      port: config.port,
      ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
      webDir: WEB_DIR,
      trustedProxies: config.trustedProxies,
      rateLimits: config.rateLimits,
      log,
    },
  );
  opened.push(gateway);
  metrics.watch({ dispatcher, pool, gateway, approvals: turns.approvals });
  await pool.ready();
  await brake.start();
  await dispatcher.start();
  void schedules.start();
  opened.push({ [Symbol.asyncDispose]: () => schedules.stop(0) });
  notReady = undefined;
  records.record(serverEvent("server.started", nowMs()));
  const url = config.publicUrl ?? `http://${urlHost(config.host)}:${gateway.port}`;
  log.info({ url, model: models.defaultModel, home: config.homeDir, version: VERSION }, "Ready");

  const lost = Promise.race([store.lost, pool.lost]);
  void lost.then((error) => log.error({ error }, "Cannot go on"));
  const close = once(async () => {
    notReady = "shutting down";
    log.info({ turns: dispatcher.inFlight }, "Closing");
    gateway.announceShutdown(RECONNECT_AFTER_MS);
    const drained = Promise.race([dispatcher.drain(), after(DRAIN_MS)]);
    await Promise.all([drained, schedules.stop(DRAIN_MS)]);
    await dispatcher.leave();
    records.record(serverEvent("server.stopped", nowMs()));
    await records.close();
    await closeAll(opened);
    log.info({}, "Closed");
  });
  return {
    url,
    loginUrl: token === undefined ? undefined : loginUrl(url, token),
    model: models.defaultModel,
    lost,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What people and operators may read of what was done. */
function readRecords(tasks: TaskRepository, auditLog: AuditLog) {
  return {
    listTasks: (input: ListTasks) => tasks.list(input),
    findTask: async ({ userId, taskId }: { readonly userId: UserId; readonly taskId: TaskId }) => {
      const task = await tasks.find(taskId);
      return task?.userId === userId ? task : undefined;
    },
    listAudit: (input: ListAudit) => auditLog.list(input),
    verifyAudit: createVerifyAudit(auditLog),
  };
}

/** Closes the last opened first. */
async function closeAll(opened: readonly AsyncDisposable[]): Promise<void> {
  for (const resource of opened.toReversed()) await resource[Symbol.asyncDispose]();
}

/** The address that signs its reader in; the token stands where browsers send it nowhere. */
function loginUrl(url: string, token: string): string {
  return `${url}/#token=${token}`;
}

function openPool(config: Config, log: Logger): AgentPool {
  const location = locateStore(config.homeDir, config.databaseUrl);
  return new AgentPool({
    file: new URL("agent-worker.ts", import.meta.url),
    threads: config.agentThreads ?? Math.min(Math.max(availableParallelism() - 1, 1), 4),
    data: {
      databaseFile: location.kind === "sqlite" ? location.file : undefined,
      policyDir: config.policyDir ?? SHIPPED_POLICY_DIR,
      skillsDir: config.skillsDir,
      promptSkillDirs: config.promptSkillDirs,
      sandboxProcesses: config.sandboxProcesses,
      policyLabel: config.policyLabel,
      allowMissingLayers: config.allowMissingLayers,
      maxCallRecords: config.maxCallRecords,
      skillSecrets: config.skillSecrets,
      models: toModelAccess(config),
      maxSteps: config.maxSteps,
      contextTokens: config.contextTokens,
      turnTimeoutMs: config.turnTimeoutMs,
      backgroundAfterMs: config.backgroundAfterMs,
      logLevel: config.logLevel,
      tracing: config.tracing,
      secrets: config.secrets,
    },
    log,
  });
}

function toModelAccess({ homeDir, model, modelKeys, modelUrls }: Config): ModelAccess {
  return { homeDir, model, modelKeys, modelUrls };
}

function serverEvent(action: "server.started" | "server.stopped", atMs: number): AuditEvent {
  const facts = { atMs, actor: "system", action, subject: "server" } as const;
  return { ...facts, decision: "allowed", detail: { version: VERSION } };
}

/** What is on record of somebody who was turned away, by the code that the client was told. */
const DENIED_AS: Readonly<Record<string, string>> = {
  unauthorized: "sign-in.failed",
  "rate-limited": "limit.hit",
};

function toAuditEvent({ userId, address, asked, code }: Denial, atMs: number): AuditEvent {
  return {
    atMs,
    actor: userId ?? "anonymous",
    action: DENIED_AS[code] ?? "access.denied",
    subject: `address:${address}`,
    decision: "denied",
    detail: { asked, code },
  };
}

const STRONG_CHARS = 24;
const STRONG_DISTINCT_CHARS = 10;

/** A public address means that others come in through a proxy, wherever this process listens. */
function assertSafeToServe({ host, publicUrl, adminToken }: Config): void {
  const hosts = publicUrl === undefined ? [host] : [host, new URL(publicUrl).hostname];
  const open = hosts.find((name) => !isLoopback(name));
  if (open === undefined || adminToken === undefined || isStrong(adminToken)) return;
  throw new Fault(
    "CONFIG_INVALID",
    `Cannot serve on "${open}" with a weak NEXFLOW_ADMIN_TOKEN: expected at least ${STRONG_CHARS} ` +
      `characters, ${STRONG_DISTINCT_CHARS} of them different, as "openssl rand -base64 32" makes`,
  );
}

function isStrong(token: string): boolean {
  return token.length >= STRONG_CHARS && new Set(token).size >= STRONG_DISTINCT_CHARS;
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
