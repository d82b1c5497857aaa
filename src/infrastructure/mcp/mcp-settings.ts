import path from "node:path";
import { z } from "zod";
import { canonicalJson } from "#domain/shared/canonical-json.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { sha256 } from "../ids/ids.ts";
import { readSettings } from "../settings/settings-file.ts";
import { hasNoCredentials } from "../settings/web-address.ts";

/*
 * `mcp.yaml`: the MCP servers whose tools the agent may use. Secrets stand in it by name; the
 * environment has them, as it has those of skills. `plain-secrets.ts` finds those that do not.
 */

/** Its name in `NEXFLOW_HOME`. */
export const MCP_FILE = "mcp.yaml";

const MAX_SERVERS = 32;
const text = (most: number) => z.string().min(1).max(most);
const secretName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/u, 'expected the name of a secret, as "API_TOKEN"');
const given = z.union(
  [z.strictObject({ value: z.string().max(4_096) }), z.strictObject({ secret: secretName })],
  'expected "value" or "secret"',
);
const decision = z.enum(["allow", "ask", "deny"], 'expected "allow", "ask" or "deny"');

const approvals = z.strictObject({
  read: decision.default("allow"),
  write: decision.default("allow"),
  external: decision.default("ask"),
  /** By the name that the server calls a tool by, in place of what its effects say. */
  tools: z.record(text(128), decision).default({}),
  expiresMinutes: z.int().min(1).max(43_200).default(60),
  /** What results bring into a session. They are strangers' words in any case. */
  results: z.strictObject({ private: z.boolean().default(true) }).prefault({}),
});

const common = {
  enabled: z.boolean().default(true),
  approvals: approvals.prefault({}),
  /** Believe the server where it says that a tool only reads. */
  believeHints: z.boolean().default(false),
  /** Somebody has read what the server says of its tools: models may go by it. */
  believeDescriptions: z.boolean().default(false),
  timeoutMs: z.int().min(100).max(3_600_000).default(60_000),
  maxResultKiB: z.int().min(1).max(4_096).default(256),
  /** Raise it to take the server's tools as they are now, after they have changed. */
  accept: z.int().min(1).max(1_000_000).default(1),
};

const stdioServer = z.strictObject({
  ...common,
  command: text(1_024),
  args: z.array(z.string().max(4_096)).max(64).default([]),
  cwd: text(1_024).optional(),
  /** All of its environment, but for PATH, which has a default. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/u), given).default({}),
});

const httpServer = z.strictObject({
  ...common,
  url: z
    .url({ protocol: /^https?$/u, error: "expected an http or https address" })
    .refine(hasNoCredentials, "expected an address without a user or password"),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/u),
      z.union([given, z.strictObject({ prefix: text(64), secret: secretName })]),
    )
    .default({}),
});

const serverName = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u, "expected lower case, digits and hyphens")
  .max(40, "expected at most 40 characters");

export const mcpSettingsSchema = z.strictObject({
  servers: z
    .record(serverName, z.union([stdioServer, httpServer]))
    .default({})
    .refine(
      (servers) => Object.keys(servers).length <= MAX_SERVERS,
      `expected at most ${MAX_SERVERS} servers`,
    ),
});

export type McpSettings = z.output<typeof mcpSettingsSchema>;
export type McpServerSettings = McpSettings["servers"][string];
export type StdioServerSettings = z.output<typeof stdioServer>;
export type HttpServerSettings = z.output<typeof httpServer>;

/** What `mcp.yaml` in `homeDir` says. Throws `Fault` (`CONFIG_INVALID`) where it cannot be used. */
export function readMcpSettings(homeDir: string): Promise<McpSettings> {
  return readSettings({ path: path.join(homeDir, MCP_FILE), schema: mcpSettingsSchema });
}

/** The hash of a server's entry: what is decided by it is on record with that. */
export function hashEntry(entry: McpServerSettings): string {
  const text = canonicalJson(JSON.parse(JSON.stringify(entry)) as JsonValue);
  return sha256(text);
}

export function isStdio(entry: McpServerSettings): entry is StdioServerSettings {
  return "command" in entry;
}
