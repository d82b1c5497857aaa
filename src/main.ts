#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import path from "node:path";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { LocalToken } from "#infrastructure/store/local-store.ts";
import type { Accounts } from "#presentation/cmd/accounts.ts";
import type { PolicyExplainRequest } from "#presentation/cmd/policy-reports.ts";
import type { ProveRequest } from "#presentation/cmd/sandbox.ts";
import type { SkillListing, SkillRunReport, SkillRunRequest } from "#presentation/cmd/skill.ts";
import type { TimelineRequest } from "#presentation/cmd/turn.ts";

// Not where Node would have it: in a folder that all users of the machine share anybody may have
// put what this program would run.
const { directory } = enableCompileCache(path.join(import.meta.dirname, "dist/compile-cache"));
// A thread has it only by its environment, which is a copy of this one.
// oxlint-disable-next-line node/no-process-env -- it is written, and not for ourselves
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= directory;
// What is written from here on holds conversations: nobody else on this machine reads it.
process.umask(0o077);

// Whatever is loaded after this line is compiled once and for all starts; each command loads the
// heavy parts it needs, when it needs them.
const { readFileSync } = await import("node:fs");
const { parseConfig } = await import("./config.ts");
const { CommandError } = await import("#presentation/cmd/command-error.ts");
const { runProgram } = await import("#presentation/cmd/program.ts");
const { createModelCommands } = await import("./model-commands.ts");
const { createMcpCommands } = await import("./mcp-commands.ts");

const HOUR_MS = 3_600_000;
const LINGER_MS = 1_000;
const root = path.resolve(import.meta.dirname, "..");
const config = () => parseConfig();

const localServer = { url: localUrl, configuredToken: () => config().clientToken };

process.exitCode = await runProgram(
  {
    version: readVersion(),
    mask: maskSecrets,
    serve: { start: startServer },
    chat: {
      ...localServer,
      mintToken: () => mintToken({ kind: "token", label: "chat", lifeMs: 24 * HOUR_MS }),
    },
    approval: {
      ...localServer,
      mintToken: () => mintToken({ kind: "token", label: "approval command", lifeMs: HOUR_MS }),
    },
    task: {
      ...localServer,
      mintToken: () => mintToken({ kind: "token", label: "task command", lifeMs: HOUR_MS }),
    },
    doctor: { listChecks },
    migrate: {
      status: async () => (await localStore()).readSchemaStatus(config()),
      migrate: async () => (await localStore()).migrateStore(config()),
    },
    schedule: { open: openSchedules },
    model: { ...createModelCommands(config), setOfSession: setModelOfSession },
    mcp: createMcpCommands(config),
    turn: { readTimeline },
    skill: { listSkills, listPromptSkills, checkSkill, runSkill },
    sandbox: {
      prove: proveSandbox,
      listCalls: async (query) => (await localStore()).readCalls(config(), query),
    },
    policy: {
      check: async (targets) =>
        (await policyTools()).checkPolicies(targets.length === 0 ? [policyDir()] : targets),
      list: async (policy) => (await policyTools()).listPolicies(policy ?? policyDir()),
      explain: explainSkill,
      diff: async (before, after) => (await policyTools()).comparePolicies(before, after),
    },
    backup: {
      write: async (file) =>
        (await localBackup()).backUpStore(config(), { file, version: readVersion() }),
      verify: async (file) => (await localBackup()).verifyBackupFile(file),
    },
    restore: { restore: async (request) => (await localBackup()).restoreStore(config(), request) },
    audit: {
      list: async ({ isDenied, ...query }) => {
        const decision = isDenied ? "denied" : undefined;
        return (await localAudit()).listLocalAudit(config(), { ...query, decision });
      },
      verify: async (request) => (await localAudit()).verifyLocalAudit(config(), request),
      export: async function* (afterSeq) {
        yield* (await localAudit()).exportLocalAudit(config(), afterSeq);
      },
    },
    login: { mintLoginUrl },
    accounts: { openAccounts },
    stop: { open: openStop },
  },
  process.argv.slice(2),
);

// What a command that failed has left open must not keep the process.
setTimeout(() => process.exit(), LINGER_MS).unref();

async function startServer() {
  const settings = config();
  const [{ openApp }, { openLog }, { checkDefaultModel }] = await Promise.all([
    import("./compose.ts"),
    import("#infrastructure/telemetry/log.ts"),
    import("#infrastructure/llm/open-models.ts"),
  ]);
  // A model that cannot be used is said here, not by the first thread that needs it.
  await checkDefaultModel(settings);
  const log = openLog({ level: settings.logLevel, secrets: settings.secrets });
  // Node would write the error as it is, with whatever secret it quotes.
  process.once("uncaughtException", (error) => {
    log.error({ error }, "A bug ended the server");
    const exit = () => process.exit(1);
    void log[Symbol.asyncDispose]().then(exit, exit);
  });
  const app = await openApp({ config: settings, log });
  return {
    url: app.url,
    loginUrl: app.loginUrl,
    model: app.model,
    homeDir: settings.homeDir,
    lost: app.lost,
    close: async () => {
      await app.close();
      await log[Symbol.asyncDispose]();
    },
  };
}

async function maskSecrets(text: string): Promise<string> {
  const { isSecretInLogs, SecretMasker } = await import(
    "#infrastructure/telemetry/secret-masker.ts"
  );
  try {
    return new SecretMasker(isSecretInLogs, config().secrets).mask(text);
  } catch {
    // A configuration that cannot be used is what the text is about; it shows no secret itself.
    return text;
  }
}

/** Where a server with this configuration is reached from this machine. */
function localUrl(): string {
  const { publicUrl, host, port } = config();
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return publicUrl ?? `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function localBackup() {
  return import("#infrastructure/store/local-backup.ts");
}

function localAudit() {
  return import("#infrastructure/store/local-audit.ts");
}

function localStore() {
  return import("#infrastructure/store/local-store.ts");
}

async function mintToken(token: LocalToken): Promise<string | undefined> {
  return (await localStore()).mintAdminToken(config(), token);
}

async function mintLoginUrl(): Promise<string | undefined> {
  const token = await mintToken({ kind: "link", label: "login link", lifeMs: HOUR_MS });
  return token && `${localUrl()}/#token=${token}`;
}

/** Over a running server where one takes the configured token, else on the store itself. */
async function openAccounts(): Promise<Accounts> {
  const { clientToken } = config();
  if (clientToken !== undefined && (await takesToken(localUrl(), clientToken))) {
    const { createRemoteAccounts } = await import("#presentation/cmd/accounts.ts");
    return createRemoteAccounts(localUrl(), clientToken);
  }
  const store = await (await localStore()).openLocalStore(config());
  if (store === undefined) {
    const message = "Cannot manage users: no server answers and there is no database yet";
    throw new CommandError("no-database", `${message}, start "nexflow serve" first`);
  }
  const { openLocalAccounts } = await import("./open-local-accounts.ts");
  return openLocalAccounts(store);
}

async function takesToken(url: string, token: string): Promise<boolean> {
  try {
    const { ok } = await fetch(new URL("/api/v1/me", url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(LINGER_MS),
    });
    return ok;
  } catch {
    return false;
  }
}

async function readTimeline({ turnId, userId }: TimelineRequest) {
  const { clientToken } = config();
  if (clientToken !== undefined && (await takesToken(localUrl(), clientToken))) {
    const { fetchTimeline } = await import("#presentation/cmd/chat-api.ts");
    return fetchTimeline(localUrl(), clientToken, { turnId, userId });
  }
  const { readLocalTimeline } = await import("./read-local-timeline.ts");
  return readLocalTimeline(config(), { turnId, userId });
}

/** Over a running server where one answers, with a token of its own if need be; else on the store. */
async function openStop() {
  const url = localUrl();
  if (await isServed(url)) {
    const life = { kind: "token", label: "stop", lifeMs: 60_000 } as const;
    const token = config().clientToken ?? (await mintToken(life));
    const { createRemoteStop } = await import("#presentation/cmd/remote-stop.ts");
    if (token !== undefined) return createRemoteStop(url, token);
  }
  const store = await (await localStore()).openLocalStore(config());
  if (store === undefined) {
    const message = "Cannot stop anything: no server answers and there is no database yet";
    throw new CommandError("no-database", message);
  }
  const { openLocalStop } = await import("./open-local-stop.ts");
  return openLocalStop(store);
}

async function isServed(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(LINGER_MS);
  return fetch(new URL("/healthz", url), { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** The schedules of the server that runs, else of the store that it would use. */
async function openSchedules() {
  const settings = config();
  const { openRemoteSchedules } = await import("#presentation/cmd/schedule-access.ts");
  const { clientToken } = settings;
  const remote = clientToken && (await openRemoteSchedules(localUrl(), clientToken));
  if (remote) return remote;
  const store = await (await localStore()).openLocalStore(settings);
  if (store === undefined) {
    throw new CommandError(
      "no-database",
      'Cannot reach any schedules: no database yet, start "nexflow serve" first',
    );
  }
  const [{ createScheduleUseCases }, { createLocalSchedules }, { listLocalSkills }] =
    await Promise.all([
      import("./compose-schedules.ts"),
      import("#presentation/cmd/local-schedules.ts"),
      import("./local-skills.ts"),
    ]);
  const { newId } = await import("#infrastructure/ids/ids.ts");
  const { ADMIN } = await import("#domain/user/user.ts");
  const { openLog } = await import("#infrastructure/telemetry/log.ts");
  const log = openLog({ level: "error", secrets: settings.secrets });
  const nowMs = () => Date.now();
  const { AuditRecorder } = await import("#infrastructure/store/audit-recorder.ts");
  const append = (events: readonly AuditEvent[]) => store.writer.call("appendAudit", events);
  const records = new AuditRecorder({ append, nowMs, log });
  const useCases = createScheduleUseCases({
    ...store,
    jobs: { wake: () => undefined },
    listSkills: async () => ({ skills: await listLocalSkills(settings, log) }),
    audit: records.record,
    nowMs,
    maxPerUser: settings.maxSchedulesPerUser,
  });
  const close = async () => {
    await records.close();
    await store[Symbol.asyncDispose]();
  };
  return createLocalSchedules({ useCases, userId: ADMIN.id, newId, nowMs, close });
}

async function setModelOfSession(sessionId: string, name: string | undefined): Promise<void> {
  const { createChatApi } = await import("#presentation/cmd/chat-api.ts");
  const { unreachable } = await import("#presentation/cmd/rest-client.ts");
  const life = { kind: "token", label: "model command", lifeMs: HOUR_MS } as const;
  const token = config().clientToken ?? (await mintToken(life));
  if (token === undefined) throw unreachable(localUrl());
  await createChatApi(localUrl(), token).chooseModel(sessionId, name ?? null);
}

async function listChecks() {
  const { createDoctorChecks } = await import("#infrastructure/telemetry/doctor-checks.ts");
  const { findBuiltProgram } = await import("./built-program.js");
  const webDir = path.join(root, "src/presentation/web/dist");
  return createDoctorChecks({ ...config(), webDir, builtProgram: findBuiltProgram(root) });
}

/** As a running server has them, where one takes the configured token; else as one would. */
async function listSkills(): Promise<readonly SkillListing[]> {
  const { clientToken } = config();
  if (clientToken !== undefined && (await takesToken(localUrl(), clientToken))) {
    const { createChatApi } = await import("#presentation/cmd/chat-api.ts");
    return createChatApi(localUrl(), clientToken).listSkills();
  }
  const { listMcpSkills } = await import("./local-skills.ts");
  return [...(await listFolderSkills()), ...(await listMcpSkills(config()))];
}

async function listFolderSkills(): Promise<readonly SkillListing[]> {
  const { CATALOG_DIR, listSkillFolders, loadSkill } = await import("../skills-registry/index.ts");
  const { listFurtherFolders } = await import("#infrastructure/skills/open-skills.ts");
  const further = await listFurtherFolders(config().skillsDir);
  const folders = [...(await listSkillFolders(CATALOG_DIR)), ...further];
  const packages = await Promise.all(folders.map(loadSkill)).catch(throwSkillError);
  return packages.map(({ name, version, description, manifest }) => {
    const tools = manifest.tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
    }));
    return { name, version, description, tools };
  });
}

async function listPromptSkills() {
  const { listPromptSkills: list } = await import("#infrastructure/skills/skill-folders.ts");
  return list(config().promptSkillDirs);
}

async function checkSkill(folder: string) {
  const { checkSkillFolder } = await import("#infrastructure/skills/skill-folders.ts");
  return checkSkillFolder(folder);
}

async function runSkill(request: SkillRunRequest): Promise<SkillRunReport> {
  const { runSkillFolder } = await import("#infrastructure/skills/run-skill-folder.ts");
  const { policyLabel, skillSecrets: secrets, allowMissingLayers } = config();
  const policy = request.policy ?? policyDir();
  const label = request.label ?? policyLabel;
  const call = { ...request, policy, label, secrets, allowMissingLayers };
  const { result, hostCalls, logs } = await runSkillFolder(call).catch(throwSkillError);
  const { usage, policyHash } = result;
  const trace = { policyHash, hostCalls, logs };
  return result.kind === "ok"
    ? { ok: true, output: result.output, usage, trace }
    : { ok: false, error: result.error, usage, trace };
}

function policyTools() {
  return import("#infrastructure/skills/policy-tools.ts");
}

function policyDir(): string {
  return config().policyDir ?? path.join(root, "sandbox-policies");
}

async function explainSkill(request: PolicyExplainRequest) {
  const { explainSkill: explain } = await policyTools();
  const policy = request.policy ?? policyDir();
  return explain({ ...request, policy, skillsDir: config().skillsDir }).catch(throwSkillError);
}

async function proveSandbox({ group, policyDir: dir }: ProveRequest) {
  const { openProof } = await import("#infrastructure/skills/open-proof.ts");
  return openProof({
    group,
    policyDir: dir ?? policyDir(),
  });
}

function throwSkillError(error: unknown): never {
  if (!(error instanceof Error) || error.name !== "SkillFormatError") throw error;
  throw new CommandError("invalid-skill", error.message, { cause: error });
}

function readVersion(): string {
  const text = readFileSync(path.join(root, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
