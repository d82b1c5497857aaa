import { existsSync } from "node:fs";
import path from "node:path";
import { isOffline } from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import { probeProtections } from "../../../runtime/index.ts";
import { CATALOG_DIR, listSkillFolders, loadSkill } from "../../../skills-registry/index.ts";
import { type OpenBusOptions, openBus } from "../bus/open-bus.ts";
import { findService } from "../llm/find-service.ts";
import type { ModelAccess } from "../llm/model-access.ts";
import { checkDefaultModel } from "../llm/open-models.ts";
import { readSchemaStatus, type StoreAddress } from "../store/local-store.ts";
import { locateStore } from "../store/open-store.ts";
import type { Finding } from "./host-checks.ts";

const PATIENCE_MS = 5_000;
const nothing = () => undefined;
const SILENT: OpenBusOptions["log"] = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
};
const NO_DATABASE = "none yet, made at the first start";

export async function checkDatabase(address: StoreAddress): Promise<Finding> {
  const name = "Database";
  const location = locateStore(address.homeDir, address.databaseUrl);
  const where = location.kind === "sqlite" ? location.file : "Postgres";
  try {
    const { applied, pending } = await readSchemaStatus(address);
    if (applied.length === 0) return { name, state: "ok", detail: NO_DATABASE };
    const schema = applied.at(-1) ?? "";
    if (pending.length === 0) return { name, state: "ok", detail: `${where}, schema ${schema}` };
    const detail = `${where}, schema ${schema}, ${pending.length} migrations pending`;
    return { name, state: "warn", detail, remedy: 'start Nexflow, or run "nexflow migrate"' };
  } catch (error) {
    const detail = error instanceof Fault ? error.message : `${where} cannot be read`;
    const remedy =
      location.kind === "sqlite"
        ? "restore a backup, or set NEXFLOW_HOME"
        : "is the server up, and NEXFLOW_DATABASE_URL right?";
    return { name, state: "fail", detail, remedy };
  }
}

/** Whether instances on one Postgres would hear of each other; nothing to say on SQLite. */
export async function checkBus(options: {
  readonly homeDir: string;
  readonly databaseUrl: string | undefined;
  readonly databaseDirectUrl: string | undefined;
  readonly redisUrl: string | undefined;
}): Promise<Finding[]> {
  const { homeDir, databaseUrl, databaseDirectUrl: directUrl, redisUrl } = options;
  const location = locateStore(homeDir, databaseUrl);
  if (location.kind === "sqlite") return [];
  const name = "Bus";
  try {
    const bus = await openBus({ location, directUrl, redisUrl, log: SILENT });
    await bus[Symbol.asyncDispose]();
    const detail = `over ${redisUrl === undefined ? "Postgres" : "Redis"}, heard itself`;
    return [{ name, state: "ok", detail }];
  } catch (error) {
    const detail = error instanceof Fault ? error.message : "cannot be opened";
    const remedy = "see docs/operations.md, several instances";
    return [{ name, state: "fail", detail, remedy }];
  }
}

export function checkProgram(builtProgram: string | undefined): Finding {
  const name = "Program";
  if (builtProgram !== undefined) return { name, state: "ok", detail: "built" };
  const detail = "not built since its sources changed: they are run, and take longer to start";
  return { name, state: "warn", detail, remedy: 'run "npm run build:server"' };
}

export function checkWebPage(webDir: string): Finding {
  const isBuilt = existsSync(path.join(webDir, "index.html"));
  return {
    name: "Web page",
    state: isBuilt ? "ok" : "fail",
    detail: isBuilt ? "built" : "not built",
    remedy: 'run "npm run build:web"',
  };
}

/** Loads every skill that comes with Nexflow; the calculator must have been compiled for it. */
export async function checkSkills(): Promise<Finding[]> {
  const folders = await listSkillFolders(CATALOG_DIR);
  return Promise.all(
    folders.map(async (folder): Promise<Finding> => {
      const name = `Skill ${path.basename(folder)}`;
      try {
        const { version } = await loadSkill(folder);
        return { name, state: "ok", detail: version };
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        return { name, state: "fail", detail, remedy: 'run "npm run build:skills"' };
      }
    }),
  );
}

/** A protection that this host lacks is a warning: skills run with those that it has. */
export async function checkProtections(): Promise<Finding[]> {
  const protections = await probeProtections();
  return protections.map(({ name, isInForce, detail, remedy }) => {
    return { name: `Sandbox ${name}`, state: isInForce ? "ok" : "warn", detail, remedy };
  });
}

/** Whether the default model could be asked; its service is only asked what it has. */
export async function checkModel(access: ModelAccess): Promise<Finding> {
  const name = "Model";
  let model: string;
  try {
    model = await checkDefaultModel(access);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, state: "fail", detail, remedy: "set NEXFLOW_MODEL and the provider's key" };
  }
  if (isOffline(model)) {
    const detail = `${model}: built-in rules, no language model`;
    return { name, state: "ok", detail };
  }
  const service = await findService(model, access);
  const { host } = service.listUrl;
  try {
    const { headers } = service;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(service.listUrl, { headers, signal });
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) {
      const detail = `${model}: ${host} refused the key (${response.status})`;
      return { name, state: "fail", detail, remedy: `check ${service.keyVariable}` };
    }
    if (response.ok) return { name, state: "ok", detail: `${model}: ${host} answers` };
    const detail = `${model}: ${host} answers, but lists no models (${response.status})`;
    return { name, state: "warn", detail, remedy: "check the service's address if chats fail" };
  } catch {
    const detail = `${model}: ${host} cannot be reached`;
    return { name, state: "fail", detail, remedy: "check the network and the service's address" };
  }
}
