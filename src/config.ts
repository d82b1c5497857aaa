import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { isModelAlias, isModelName, MODEL_FORM } from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import { secretsInUrl } from "#infrastructure/telemetry/url-secrets.ts";

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
const text = z.string().trim().min(1, "expected more than white space");
const webAddress = z.url({ protocol: /^https?$/u, error: "expected an http or https address" });

const Environment = z.object({
  NEXFLOW_HOME: text.default(path.join(homedir(), ".nexflow")),
  NEXFLOW_DATABASE_URL: z
    .string()
    .regex(/^(?:sqlite:$|postgres(?:ql)?:\/\/)/u, 'expected "sqlite:" or "postgres://…"')
    .default("sqlite:"),
  NEXFLOW_DATABASE_DIRECT_URL: z
    .url({ protocol: /^postgres(?:ql)?$/u, error: 'expected "postgres://…"' })
    .optional(),
  NEXFLOW_REDIS_URL: z.url({ protocol: /^rediss?$/u, error: 'expected "redis://…"' }).optional(),
  NEXFLOW_LEASE_MS: wholeNumber(1_000, 600_000).default(12_000),
  NEXFLOW_PORT: wholeNumber(0, 65_535).default(7420),
  NEXFLOW_HOST: text.default("127.0.0.1"),
  NEXFLOW_PUBLIC_URL: webAddress.optional(),
  NEXFLOW_ADMIN_TOKEN: text.optional(),
  NEXFLOW_TOKEN: text.optional(),
  NEXFLOW_MODEL: z
    .string()
    .refine(
      (name) => isModelName(name) || isModelAlias(name),
      `expected ${MODEL_FORM}, or an alias`,
    )
    .optional(),
  NEXFLOW_LOG_LEVEL: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(", ")}`).default("info"),
  NEXFLOW_AGENT_THREADS: wholeNumber(1, 64).optional(),
  NEXFLOW_SANDBOX_PROCESSES: wholeNumber(1, 64).optional(),
  NEXFLOW_MAX_TURNS: wholeNumber(1, 100_000).default(4_000),
  NEXFLOW_MAX_TURNS_PER_USER: wholeNumber(1, 100_000).default(1_000),
  NEXFLOW_CONTEXT_TOKENS: wholeNumber(1, 2_000_000).optional(),
  NEXFLOW_MAX_STEPS: wholeNumber(1, 100).default(8),
  NEXFLOW_TURN_TIMEOUT_MS: wholeNumber(1, 3_600_000).default(300_000),
  NEXFLOW_BACKGROUND_AFTER_MS: wholeNumber(0, 3_600_000).default(20_000),
  NEXFLOW_TRUSTED_PROXIES: text
    .optional()
    .transform(toNames)
    .pipe(
      z.array(z.string().refine(isAddressRange, "expected addresses or ranges such as 10.0.0.0/8")),
    ),
  NEXFLOW_RATE_REQUESTS: wholeNumber(0, 10_000_000).default(60_000),
  NEXFLOW_RATE_MESSAGES: wholeNumber(0, 10_000_000).default(60_000),
  NEXFLOW_RATE_SIGN_INS: wholeNumber(0, 1_000_000).default(10),
  NEXFLOW_RATE_SIGN_INS_IN_ALL: wholeNumber(0, 1_000_000).default(600),
  NEXFLOW_POLICY_DIR: text.optional(),
  NEXFLOW_POLICY_LABEL: plainName("lower case, digits and hyphens").optional(),
  NEXFLOW_ALLOW_MISSING_LAYERS: text
    .optional()
    .transform(toNames)
    .pipe(z.array(plainName("names of layers separated by commas, as doctor tells them"))),
  NEXFLOW_MAX_CALL_RECORDS: wholeNumber(1, 100_000_000).default(100_000),
  NEXFLOW_EVENT_RETENTION_DAYS: wholeNumber(1, 36_500).default(30),
  NEXFLOW_MAX_SCHEDULES_PER_USER: wholeNumber(0, 1_000_000).default(1_000),
  NEXFLOW_SKILLS_DIR: text.optional(),
  NEXFLOW_TEST_MODE: z.literal("faults", 'expected "faults", in tests only').optional(),
  NEXFLOW_FAILPOINTS: text.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: webAddress.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[^=,\s]+=[^,]*(?:,[^=,\s]+=[^,]*)*$/u, 'expected "name=value,name=value"')
    .optional(),
  OTEL_SERVICE_NAME: text.default("nexflow"),
  OTEL_PROPAGATORS: text.default("tracecontext"),
  OPENAI_API_KEY: text.optional(),
  OPENAI_BASE_URL: webAddress.optional(),
  ANTHROPIC_API_KEY: text.optional(),
  ANTHROPIC_BASE_URL: webAddress.optional(),
  OLLAMA_API_KEY: text.optional(),
  OLLAMA_HOST: text.transform(toOllamaUrl).pipe(webAddress).optional(),
});

const SECRETS = [
  "NEXFLOW_DATABASE_URL",
  "NEXFLOW_DATABASE_DIRECT_URL",
  "NEXFLOW_REDIS_URL",
  "NEXFLOW_ADMIN_TOKEN",
  "NEXFLOW_TOKEN",
  "OTEL_EXPORTER_OTLP_HEADERS",
] as const;

/** The key of a service of one's own: "NEXFLOW_CUSTOM_MY_LAB_API_KEY" for "custom:my-lab". */
const CUSTOM_KEY = "NEXFLOW_CUSTOM_<NAME>_API_KEY";
/** Keys of models; each may have up to eight more under its name and a number. */
const MODEL_KEY = new RegExp(
  `^(?:(OPENAI|ANTHROPIC|OLLAMA)_API_KEY|${CUSTOM_KEY.replace("<NAME>", "([A-Z0-9_]+?)")})(?:_[2-9])?$`,
  "u",
);
/** What a header can carry. */
const KEY_VALUE = /^[\u0021-\u007e]+$/u;

/** Secrets for skills: "NEXFLOW_SECRET_API_TOKEN" is the one that manifests call "API_TOKEN". */
const SKILL_SECRET_PREFIX = "NEXFLOW_SECRET_";
const SKILL_SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/u;
/** As the runtime takes them: shorter values cannot be told from chance in what skills say. */
const SKILL_SECRET_VALUE = /^[\u0021-\u007e][\u0020-\u007e]{6,4094}[\u0021-\u007e]$/u;

export interface Config {
  readonly homeDir: string;
  /** "sqlite:" for the database in `homeDir`, or the address of a Postgres database. */
  readonly databaseUrl: string;
  /** The same Postgres database without a transaction pooler before it, where there is one. */
  readonly databaseDirectUrl: string | undefined;
  /** A Redis or Valkey that carries what instances tell each other; else Postgres does. */
  readonly redisUrl: string | undefined;
  /** How long an instance on Postgres keeps its turns without a word. */
  readonly leaseMs: number;
  readonly port: number;
  readonly host: string;
  /** The address people use, where it differs from host and port (a proxy, a name). */
  readonly publicUrl: string | undefined;
  readonly adminToken: string | undefined;
  /** The token that client commands (`chat`) show. */
  readonly clientToken: string | undefined;
  /** The model that sessions are answered by which choose none, where it is not for `models.yaml` to say. */
  readonly model: string | undefined;
  /** The keys of each provider of models, the first one first. */
  readonly modelKeys: Readonly<Record<string, readonly string[]>>;
  /** Where providers are, if not at the usual address. */
  readonly modelUrls: Readonly<Record<string, string>>;
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  readonly agentThreads: number | undefined;
  readonly sandboxProcesses: number | undefined;
  readonly maxTurns: number;
  readonly maxTurnsPerUser: number;
  /** What a model is told at most, whatever it could take. */
  readonly contextTokens: number | undefined;
  readonly maxSteps: number;
  readonly turnTimeoutMs: number;
  /** How long a turn waits for a call; 0: until it has ended. */
  readonly backgroundAfterMs: number;
  /** Proxies whose word on whom they speak for is believed. */
  readonly trustedProxies: readonly string[];
  /** How much comes in a minute at most; 0 is no limit. */
  readonly rateLimits: {
    readonly requests: number;
    readonly messages: number;
    readonly signIns: number;
    readonly signInsInAll: number;
  };
  readonly policyDir: string | undefined;
  /** A folder of skill folders that are offered beside the first-party skills. */
  readonly skillsDir: string | undefined;
  /** Where skills are looked for that are text only; the first of them go before the others. */
  readonly promptSkillDirs: readonly string[];
  /** The label of every call, for policies that match one. */
  readonly policyLabel: string | undefined;
  /** Layers around sandbox processes without which community skills run all the same. */
  readonly allowMissingLayers: readonly string[];
  /** How many records of skills' calls, and of their host calls, are kept. */
  readonly maxCallRecords: number;
  /** Where a test has this process die or lose something, see `armFailpoints`. */
  readonly failpoints: string | undefined;
  /** How long the events of a session stay that has come to rest. */
  readonly eventRetentionDays: number;
  readonly maxSchedulesPerUser: number;
  /** What may be used on behalf of skills, by the name in their manifests. */
  readonly skillSecrets: Readonly<Record<string, string>>;
  /** Where traces go, where they are wanted. */
  readonly tracing:
    | {
        readonly endpoint: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly serviceName: string;
        readonly isPropagated: boolean;
      }
    | undefined;
  /** Every secret that was given, for masking. */
  readonly secrets: readonly string[];
}

/**
 * Reads the configuration from `env` (by default the process's own environment). Any secret may
 * come from the file that `<NAME>_FILE` names instead, those for skills too. Throws `Fault`
 * (`CONFIG_INVALID`) that names what is wrong; never shows the value of a secret.
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const set = withSecretFiles(withoutEmpty(env));
  const parsed = Environment.safeParse(set);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path: [name], message }) => {
      return `${quote(String(name), env)}: ${message}`;
    });
    throw new Fault("CONFIG_INVALID", `Cannot use ${faults.join("; ")}`);
  }
  const { data } = parsed;
  if (data.NEXFLOW_FAILPOINTS !== undefined && data.NEXFLOW_TEST_MODE === undefined) {
    const message = "Cannot use NEXFLOW_FAILPOINTS: it is for tests, with NEXFLOW_TEST_MODE=faults";
    throw new Fault("CONFIG_INVALID", message);
  }
  const skillSecrets = parseSkillSecrets(set);
  const modelKeys = parseModelKeys(set);
  return {
    homeDir: path.resolve(data.NEXFLOW_HOME),
    databaseUrl: data.NEXFLOW_DATABASE_URL,
    databaseDirectUrl: data.NEXFLOW_DATABASE_DIRECT_URL,
    redisUrl: data.NEXFLOW_REDIS_URL,
    leaseMs: data.NEXFLOW_LEASE_MS,
    port: data.NEXFLOW_PORT,
    host: data.NEXFLOW_HOST,
    publicUrl: data.NEXFLOW_PUBLIC_URL,
    adminToken: data.NEXFLOW_ADMIN_TOKEN,
    clientToken: data.NEXFLOW_TOKEN ?? data.NEXFLOW_ADMIN_TOKEN,
    model: data.NEXFLOW_MODEL,
    modelKeys,
    modelUrls: withoutEmpty({
      openai: data.OPENAI_BASE_URL,
      anthropic: data.ANTHROPIC_BASE_URL,
      ollama: data.OLLAMA_HOST,
    }),
    logLevel: data.NEXFLOW_LOG_LEVEL,
    agentThreads: data.NEXFLOW_AGENT_THREADS,
    sandboxProcesses: data.NEXFLOW_SANDBOX_PROCESSES,
    maxTurns: data.NEXFLOW_MAX_TURNS,
    maxTurnsPerUser: data.NEXFLOW_MAX_TURNS_PER_USER,
    contextTokens: data.NEXFLOW_CONTEXT_TOKENS,
    maxSteps: data.NEXFLOW_MAX_STEPS,
    turnTimeoutMs: data.NEXFLOW_TURN_TIMEOUT_MS,
    backgroundAfterMs: data.NEXFLOW_BACKGROUND_AFTER_MS,
    trustedProxies: data.NEXFLOW_TRUSTED_PROXIES,
    rateLimits: {
      requests: data.NEXFLOW_RATE_REQUESTS,
      messages: data.NEXFLOW_RATE_MESSAGES,
      signIns: data.NEXFLOW_RATE_SIGN_INS,
      signInsInAll: data.NEXFLOW_RATE_SIGN_INS_IN_ALL,
    },
    policyDir: data.NEXFLOW_POLICY_DIR,
    skillsDir: data.NEXFLOW_SKILLS_DIR,
    promptSkillDirs: [
      path.resolve(data.NEXFLOW_HOME, "skills"),
      ...(data.NEXFLOW_SKILLS_DIR === undefined ? [] : [path.resolve(data.NEXFLOW_SKILLS_DIR)]),
      path.resolve(".agents/skills"),
    ],
    policyLabel: data.NEXFLOW_POLICY_LABEL,
    allowMissingLayers: data.NEXFLOW_ALLOW_MISSING_LAYERS,
    maxCallRecords: data.NEXFLOW_MAX_CALL_RECORDS,
    failpoints: data.NEXFLOW_FAILPOINTS,
    eventRetentionDays: data.NEXFLOW_EVENT_RETENTION_DAYS,
    maxSchedulesPerUser: data.NEXFLOW_MAX_SCHEDULES_PER_USER,
    skillSecrets,
    tracing: toTracing(data),
    secrets: [
      ...SECRETS.flatMap((each) => set[each] ?? []).filter((value) => value !== "sqlite:"),
      ...secretsInUrl(data.NEXFLOW_DATABASE_URL),
      ...secretsInUrl(data.NEXFLOW_DATABASE_DIRECT_URL),
      ...secretsInUrl(data.NEXFLOW_REDIS_URL),
      ...secretsInUrl(data.OPENAI_BASE_URL),
      ...secretsInUrl(data.ANTHROPIC_BASE_URL),
      ...secretsInUrl(data.OLLAMA_HOST),
      ...secretsInUrl(data.OTEL_EXPORTER_OTLP_ENDPOINT),
      ...Object.values(parseHeaders(data.OTEL_EXPORTER_OTLP_HEADERS)),
      ...Object.values(skillSecrets),
      ...Object.values(modelKeys).flat(),
    ],
  };
}

function toTracing(data: z.output<typeof Environment>): Config["tracing"] {
  const endpoint = data.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const headers = parseHeaders(data.OTEL_EXPORTER_OTLP_HEADERS);
  const isPropagated = data.OTEL_PROPAGATORS.split(",")
    .map((each) => each.trim())
    .includes("tracecontext");
  return { endpoint, headers, serviceName: data.OTEL_SERVICE_NAME, isPropagated };
}

/** "name=value,name=value", values percent-encoded, as OpenTelemetry has it. */
function parseHeaders(text = ""): Record<string, string> {
  const pairs = text.split(",").filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), decode(pair.slice(at + 1).trim())];
    }),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isAddressRange(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/u.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

function plainName(expected: string) {
  return z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/u, `expected ${expected}`);
}

function toNames(list: string | undefined): string[] {
  return list === undefined ? [] : list.split(",").map((each) => each.trim());
}

function wholeNumber(least: number, most: number) {
  const error = `expected an integer from ${least} to ${most}`;
  return z.coerce.number({ error }).int(error).min(least, error).max(most, error);
}

/** Throws `Fault`; no message holds a value. */
function parseSkillSecrets(env: Readonly<Record<string, string>>): Record<string, string> {
  const secrets = skillSecretVariables(env).map((variable): [string, string] => {
    const secret = variable.slice(SKILL_SECRET_PREFIX.length);
    if (!SKILL_SECRET_NAME.test(secret)) {
      const message = `Cannot use ${variable}: expected a name in upper case, as in ${SKILL_SECRET_PREFIX}API_TOKEN`;
      throw new Fault("CONFIG_INVALID", message);
    }
    const value = env[variable]?.trim() ?? "";
    if (!SKILL_SECRET_VALUE.test(value)) {
      const message = `Cannot use ${variable}: expected 8 to 4096 visible ASCII characters in one line`;
      throw new Fault("CONFIG_INVALID", message);
    }
    return [secret, value];
  });
  return Object.fromEntries(secrets);
}

/** By provider. Throws `Fault`; no message holds a value. */
function parseModelKeys(
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, readonly string[]>> {
  const keys: Record<string, string[]> = {};
  // In the order of their numbers: what has none is the first.
  for (const variable of modelKeyVariables(env).toSorted()) {
    const [, provider, custom = ""] = MODEL_KEY.exec(variable) ?? [];
    const value = env[variable]?.trim() ?? "";
    if (!KEY_VALUE.test(value)) {
      const message = `Cannot use ${variable}: expected visible ASCII characters without spaces`;
      throw new Fault("CONFIG_INVALID", message);
    }
    const name = provider?.toLowerCase() ?? `custom:${custom.toLowerCase().replaceAll("_", "-")}`;
    (keys[name] ??= []).push(value);
  }
  return keys;
}

/** The variables of keys of models, however they are given. */
function modelKeyVariables(env: Readonly<Record<string, string>>): readonly string[] {
  const names = Object.keys(env).map((variable) => variable.replace(/_FILE$/u, ""));
  return [...new Set(names)].filter((name) => MODEL_KEY.test(name));
}

/** As Ollama's own programs take it: "host", "host:port" or an address. */
function toOllamaUrl(host: string): string {
  if (host.includes("://")) return host;
  return `http://${/:\d+$/u.test(host) ? host : `${host}:11434`}`;
}

/** The variables of secrets for skills, however they are given. */
function skillSecretVariables(env: Readonly<Record<string, string>>): readonly string[] {
  const given = Object.keys(env).filter((variable) => variable.startsWith(SKILL_SECRET_PREFIX));
  const names = given.map((each) => each.slice(SKILL_SECRET_PREFIX.length).replace(/_FILE$/u, ""));
  return [...new Set(names)].map((each) => SKILL_SECRET_PREFIX + each);
}

/** A variable as a message may show it: no secret, nor an address that may hold a password. */
function quote(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[name] ?? "";
  const isSecret =
    SECRETS.some((secret) => secret === name) || MODEL_KEY.test(name) || value.includes("@");
  return isSecret ? name : `${name} "${value}"`;
}

/** An empty variable counts as one that is not set, as in most shells' idioms. */
function withoutEmpty(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(set);
}

function withSecretFiles(env: Record<string, string>): Record<string, string> {
  const read: Record<string, string> = {};
  for (const secret of [...SECRETS, ...modelKeyVariables(env), ...skillSecretVariables(env)]) {
    const file = env[`${secret}_FILE`];
    if (file === undefined) continue;
    if (env[secret] !== undefined) {
      throw new Fault("CONFIG_INVALID", `Cannot use both ${secret} and ${secret}_FILE: set one`);
    }
    try {
      read[secret] = readFileSync(file, "utf8").trim();
    } catch (error) {
      const message = `Cannot read the file "${file}" that ${secret}_FILE names`;
      throw new Fault("CONFIG_INVALID", message, { cause: error });
    }
  }
  return { ...env, ...read };
}
