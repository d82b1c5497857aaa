import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { Logger } from "#application/ports/logger.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { parseTaskId, parseUserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { openMcp } from "#infrastructure/mcp/open-mcp.ts";
import type { PinTools } from "#infrastructure/mcp/tool-pins.ts";
import {
  isSecretInLogs,
  isSecretInSpeech,
  SecretMasker,
} from "#infrastructure/telemetry/secret-masker.ts";
import { openSqliteTestStore } from "./open-test-store.ts";
import { silentLog } from "./silent-log.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/mcp-servers/${name}.ts`, import.meta.url));

/** What `mcp.yaml` says of a server of the fixtures. */
export function entryOf(name: "hostile" | "plain", mode = "", more: object = {}) {
  const approvals = { external: "allow", results: { private: false } };
  return { command: process.execPath, args: [fixture(name), mode], approvals, ...more };
}

export interface OpenTestMcpOptions {
  readonly servers: object;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly log?: Logger;
  /** As the store has it, whenever it is asked. */
  readonly findBrake?: () => Promise<Brake | undefined>;
}

/** MCP servers over a store of their own. */
export async function openTestMcp({
  servers,
  secrets = {},
  log = silentLog,
  findBrake = async () => undefined,
}: OpenTestMcpOptions) {
  const store = await openSqliteTestStore();
  const audited: AuditEvent[] = [];
  const pin: PinTools = (input) => store.store.writer.call("pinMcpTools", input);
  const file = path.join(store.homeDir, "mcp.yaml");
  const write = (all: object) =>
    writeFile(file, stringify({ servers: all }, { aliasDuplicateObjects: false }));
  await write(servers);
  const audit = (event: AuditEvent) => void audited.push(event);
  const plain: string[] = [];
  const spoken = new SecretMasker(isSecretInSpeech, Object.values(secrets));
  const logged = new SecretMasker(isSecretInLogs, Object.values(secrets));
  const onSecrets = (values: readonly string[]) => {
    plain.push(...values);
    spoken.add(values);
    logged.add(values);
  };
  const options = {
    homeDir: store.homeDir,
    secrets,
    onSecrets,
    mask: (text: string) => spoken.mask(text),
    createStreamMask: () => logged.createStream(),
    findBrake,
    pin,
    audit,
    log,
  };
  const open = () => openMcp(options);
  let mcp = await open();
  await mcp.tried;
  const call = (skill: string, tool: string, input: JsonValue = {}, signal?: AbortSignal) => {
    const ids = { taskId: parseTaskId("task-1"), userId: parseUserId("u1") };
    return mcp.invoke({ ...ids, skill, tool, input }, signal ?? AbortSignal.timeout(30_000));
  };
  return {
    audited,
    /** What was said to stand there as plain text and to look like a secret. */
    plain,
    write,
    call,
    source: () => mcp,
    async reopen() {
      await mcp[Symbol.asyncDispose]();
      mcp = await open();
      await mcp.tried;
    },
    toolsOf: (skill: string) => mcp.listSkills().find(({ name }) => name === skill)?.tools ?? [],
    async [Symbol.asyncDispose]() {
      await mcp[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
