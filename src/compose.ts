import { availableParallelism } from "node:os";
import path from "node:path";
import { createAcceptMessage } from "#application/accept-message/accept-message.ts";
import { createCancelTurn } from "#application/cancel-turn/cancel-turn.ts";
import { TurnDispatcher } from "#application/dispatch-turns/turn-dispatcher.ts";
import { SessionRelay } from "#application/follow-session/session-relay.ts";
import { createManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import { createManageUsers } from "#application/manage-users/manage-users.ts";
import type { Bus } from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { createReadSession } from "#application/read-session/read-session.ts";
import { createReadTurn } from "#application/read-turn/read-turn.ts";
import { createSignIn } from "#application/sign-in/sign-in.ts";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { CredentialWatch } from "#application/watch-credentials/credential-watch.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { Fault } from "#domain/shared/fault.ts";
import {
  type CredentialId,
  parseCredentialId,
  parseInstanceId,
  type UserId,
} from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { CredentialRepository } from "#domain/user/credential-repository.ts";
import { ADMIN } from "#domain/user/user.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";
import { openBus } from "#infrastructure/bus/open-bus.ts";
import { armFailpoints, failpoint } from "#infrastructure/failpoints/failpoints.ts";
import { hashSecret, newId, newIdAfter, newSecret } from "#infrastructure/ids/ids.ts";
import { AuditRecorder } from "#infrastructure/store/audit-recorder.ts";
import { locateStore, openStore } from "#infrastructure/store/open-store.ts";
import {
  createAuditLog,
  createCredentialRepository,
  createIdempotencyKeys,
  createInstanceRegistry,
  createSessionRepository,
  createTaskRepository,
  createTurnLog,
  createTurnReader,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";
import { readAuditEntries, verifyAudit } from "#infrastructure/store/verify-audit.ts";
import { AgentPool } from "#infrastructure/workers/agent-pool.ts";
import {
  encodeEventFrame,
  encodeSnapshotFrame,
  mayEndTurn,
} from "#presentation/gateway/event-frame.ts";
import type { Denial } from "#presentation/gateway/use-cases.ts";
import packageJson from "../package.json" with { type: "json" };
import { openSchedules } from "./compose-schedules.ts";
import type { Config } from "./config.ts";

const VERSION = packageJson.version;
const SHIPPED_POLICY_DIR = path.resolve(import.meta.dirname, "../sandbox-policies");
const WEB_DIR = path.resolve(import.meta.dirname, "presentation/web/dist");
const RECONNECT_AFTER_MS = 2_000;
const DRAIN_MS = 20_000;
/** A notification of Postgres holds 8,000 bytes. */
const MAX_TOLD = 100;

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
  const opening = openStore(config.homeDir, config.databaseUrl);
  const pool = openPool(config, log);
  opened.push(pool);
  const loading = Promise.all([
    import("#presentation/gateway/gateway.ts"),
    listSkills(config, log),
  ]);
  loading.catch(() => undefined);
  const store = await opening;
  opened.unshift(store);
  const auditLog = createAuditLog(store.reader, store.writer);
  const tasks = createTaskRepository(store.reader, store.writer);
  const records = new AuditRecorder({
    append: (events) => auditLog.append(events),
    nowMs,
    log,
  });
  const { databaseDirectUrl: directUrl, redisUrl } = config;
  const bus = await openBus({ location: store.location, directUrl, redisUrl, log });
  opened.push(bus);
  const turns = createTurnLog(store.writer);
  const sessions = createSessionRepository(store.reader, store.writer);
  const turnReader = createTurnReader(store.reader);
  const users = createUserRepository(store.reader, store.writer);
  const credentials = createCredentialRepository(store.reader, store.writer);
  const watch = new CredentialWatch({ credentials, nowMs, log });
  opened.push(watch);
  const access = {
    users,
    credentials,
    credentialsRevoked: (ids: readonly CredentialId[]) => {
      watch.revoked(ids);
      for (let at = 0; at < ids.length; at += MAX_TOLD) {
        bus.publish({ kind: "credentials-revoked", credentialIds: ids.slice(at, at + MAX_TOLD) });
      }
    },
    onUsed: (id: CredentialId) => watch.used(id),
    audit: (event: AuditEvent) => auditLog.append([event]),
    stopTurnsOf: (userId: UserId) => dispatcher.cancelAllOf(userId),
    hash: hashSecret,
    newSecret,
    newId,
    nowMs,
  };
  const signIn = createSignIn(access);
  const encode = { event: encodeEventFrame, snapshot: encodeSnapshotFrame };
  const relay = new SessionRelay({ sessions, encode, bus, after: schedule, nowMs });
  opened.push(relay);
  pool.listen({
    attachStore: (port) => store.attach(port),
    onShown: (sessionId, epoch, frames) => relay.publish(sessionId, epoch, frames),
    onEnded: (sessionId) => relay.settle(sessionId),
  });
  const dispatcher = new TurnDispatcher({
    turns,
    runner: pool,
    instances: createInstanceRegistry(store.reader, store.writer),
    onRunLost: (sessionId) => relay.reset(sessionId),
    announceQueued: (sessionId) => bus.publish({ kind: "turns-queued", sessionId }),
    newInstanceId: () => parseInstanceId(newId()),
    nowMs,
    log,
    lease: { isShared: store.location.kind === "postgres", leaseMs: config.leaseMs },
    limits: { maxTurns: config.maxTurns, maxTurnsPerUser: config.maxTurnsPerUser },
  });
  takeNews(bus, dispatcher, watch);
  const [[{ openGateway }, skills], token] = await Promise.all([
    loading,
    setUpAdmin({ users, credentials, signIn, nowMs }, config),
  ]);

  const accept = createAcceptMessage({ turns, dispatcher, newId, newIdAfter, nowMs });
  const acceptMessage = config.failpoints === undefined ? accept : passAnswered(accept);
  const listed = () => skills;
  const schedules = await openSchedules({
    store,
    acceptMessage,
    callSkill: (task) => pool.callSkill(task),
    listSkills: listed,
    audit: records.record,
    nowMs,
    log,
    maxPerUser: config.maxSchedulesPerUser,
    eventRetentionDays: config.eventRetentionDays,
  });
  let notReady: string | undefined = "starting";
  const gateway = await openGateway(
    {
      ...signIn,
      ...createManageUsers(access),
      ...createManageTokens(access),
      watchCredential: (principal, watcher) => watch.watch(principal, watcher),
      noteDenied: (denial) => records.record(toAuditEvent(denial, nowMs())),
      idempotency: createIdempotencyKeys(store.writer, { newId, nowMs }),
      ...createReadSession({ sessions, audit: access.audit, nowMs }),
      ...createReadTurn({ turns: turnReader, sessions }),
      waitForTurn: createWaitForTurn({
        findTurn: (turnId) => turnReader.find(turnId),
        followSession: (input, sink) => relay.follow(input, sink),
        mayEndTurn,
      }),
      listTasks: (input) => tasks.list(input),
      findTask: async ({ userId, taskId }) => {
        const task = await tasks.find(taskId);
        return task?.userId === userId ? task : undefined;
      },
      listAudit: (input) => auditLog.list(input),
      verifyAudit: () => verifyAudit(readAuditEntries(auditLog, 0), {}),
      ...schedules.useCases,
      acceptMessage,
      cancelTurn: createCancelTurn({
        findTurn: (turnId) => turnReader.find(turnId),
        turns,
        stopRun: (turnId) => {
          dispatcher.cancel(turnId);
          bus.publish({ kind: "cancel-turn", turnId });
        },
      }),
      followSession: (input, sink) => relay.follow(input, sink),
      listSkills: listed,
      readiness: () => {
        const reason = notReady ?? dispatcher.trouble;
        // Without the bus the others are only later told: no reason to take no more messages.
        const reasons = [reason, bus.trouble].filter((each) => each !== undefined);
        return { isReady: reason === undefined, reasons };
      },
      about: { model: config.model, version: VERSION },
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
  await pool.ready();
  await dispatcher.start();
  void schedules.start();
  opened.push({ [Symbol.asyncDispose]: () => schedules.stop(0) });
  notReady = undefined;
  const noteServer = (action: "server.started" | "server.stopped") => {
    const detail = { version: VERSION };
    const facts = { atMs: nowMs(), actor: "system", subject: "server", detail } as const;
    records.record({ ...facts, action, decision: "allowed" });
  };
  noteServer("server.started");
  const url = config.publicUrl ?? `http://${urlHost(config.host)}:${gateway.port}`;
  log.info({ url, model: config.model, home: config.homeDir, version: VERSION }, "Ready");

  const lost = Promise.race([store.lost, pool.lost]);
  void lost.then((error) => log.error({ error }, "Cannot go on"));
  const close = once(async () => {
    notReady = "shutting down";
    log.info({ turns: dispatcher.inFlight }, "Closing");
    gateway.announceShutdown(RECONNECT_AFTER_MS);
    const drained = Promise.race([dispatcher.drain(), after(DRAIN_MS)]);
    await Promise.all([drained, schedules.stop(DRAIN_MS)]);
    await dispatcher.leave();
    noteServer("server.stopped");
    await records.close();
    await closeAll(opened);
    log.info({}, "Closed");
  });
  return {
    url,
    loginUrl: token === undefined ? undefined : loginUrl(url, token),
    model: config.model,
    lost,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Passes the failpoints on both sides of an answer that goes out when the promise is fulfilled. */
function passAnswered<Input, Result>(accept: (input: Input) => Promise<Result>) {
  return async (input: Input): Promise<Result> => {
    const result = await accept(input);
    failpoint("accept:answer");
    setImmediate(() => setImmediate(() => failpoint("accept:answered")));
    return result;
  };
}

/** Does at once what these would do by themselves a little later. */
function takeNews(bus: Bus, dispatcher: TurnDispatcher, watch: CredentialWatch): void {
  bus.listen((notice) => {
    if (notice.kind === "credentials-revoked" || notice.kind === "reconnected") void watch.check();
    if (notice.kind === "turns-queued") dispatcher.noteQueued(notice.sessionId);
    else if (notice.kind === "cancel-turn") dispatcher.cancel(notice.turnId);
    else if (notice.kind === "reconnected") dispatcher.catchUp();
  });
}

async function listSkills({ skillsDir }: Config, log: Logger): Promise<readonly Skill[]> {
  const { loadSkills, toSkill } = await import("#infrastructure/skills/open-skills.ts");
  return (await loadSkills({ skillsDir, log })).map(toSkill);
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
      sandboxProcesses: config.sandboxProcesses,
      policyLabel: config.policyLabel,
      allowMissingLayers: config.allowMissingLayers,
      maxCallRecords: config.maxCallRecords,
      skillSecrets: config.skillSecrets,
      model: config.model,
      openai: config.openai,
      maxSteps: config.maxSteps,
      contextTokens: config.contextTokens,
      turnTimeoutMs: config.turnTimeoutMs,
      logLevel: config.logLevel,
      secrets: config.secrets,
    },
    log,
  });
}

/**
 * Sees to it that there is an admin who can sign in: with the token of the environment, which
 * replaces any earlier one from there, or with one made now. Gives the latter, this once.
 */
async function setUpAdmin(
  { users, credentials, signIn, nowMs }: SetUpAdminDeps,
  { adminToken }: Config,
): Promise<string | undefined> {
  await users.add({ ...ADMIN, createdAtMs: nowMs() });
  await credentials.replaceToken({
    id: parseCredentialId(newId()),
    label: "NEXFLOW_ADMIN_TOKEN",
    userId: ADMIN.id,
    hash: adminToken === undefined ? undefined : hashSecret(adminToken),
    nowMs: nowMs(),
  });
  return (await credentials.hasToken()) ? undefined : signIn.addToken(ADMIN.id, "first start");
}

interface SetUpAdminDeps {
  readonly users: UserRepository;
  readonly credentials: CredentialRepository;
  readonly signIn: Pick<ReturnType<typeof createSignIn>, "addToken">;
  readonly nowMs: () => number;
}

/** What is on record of somebody who was turned away. */
/** By the code that the client was told. */
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

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|::1|\[::1\])$/u;
const STRONG_CHARS = 24;
const STRONG_DISTINCT_CHARS = 10;

/** A public address means that others come in through a proxy, wherever this process listens. */
function assertSafeToServe({ host, publicUrl, adminToken }: Config): void {
  const hosts = publicUrl === undefined ? [host] : [host, new URL(publicUrl).hostname];
  const open = hosts.find((name) => !LOOPBACK.test(name));
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

function schedule(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
