import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type ExpectStatic, test } from "vitest";
import { stringify } from "yaml";
import { runCommand } from "../integration/cmd/run-command.ts";
import { ChatClient } from "../support/chat-client.ts";
import { EchoModel, type ModelDeed } from "../support/echo-model.ts";
import { entryOf } from "../support/mcp.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";
import { TraceCollector } from "../support/trace-collector.ts";

/*
 * Secrets that are found again by their text. Each is planted in a place of its own and brought out
 * in its own way; then all that anybody can see is searched for them. That a way out was really tried
 * is seen by the mask that stands in its place.
 */

/** A secret with characters that are escaped in URLs, in HTML and in JSON. */
function canary(name: string): string {
  const random = createHash("sha256").update(`canary ${name}`).digest("base64url").slice(0, 24);
  return `cnry-${name}/"&+<${random}`;
}

/** One that fits in a header and in an address. */
function plainCanary(name: string): string {
  return canary(name).replaceAll(/[^\w-]/gu, "");
}

const KEYS = {
  OPENAI_API_KEY: plainCanary("openai"),
  OPENAI_API_KEY_2: plainCanary("openai2"),
  ANTHROPIC_API_KEY: plainCanary("anthropic"),
  OLLAMA_API_KEY: plainCanary("ollama"),
  NEXFLOW_CUSTOM_LAB_API_KEY: plainCanary("lab"),
  NEXFLOW_CUSTOM_LAB_API_KEY_2: plainCanary("lab2"),
  NEXFLOW_ADMIN_TOKEN: plainCanary("admin"),
  NEXFLOW_TOKEN: plainCanary("token"),
};
const TRACE_HEADER = plainCanary("otel");
const FILE_SECRET = canary("file");
const URL_PASSWORD = plainCanary("baseurl");
const DATABASE_PASSWORD = plainCanary("database");
const REDIS_PASSWORD = plainCanary("redis");
const YAML_PASSWORD = plainCanary("yaml");
/** Written into mcp.yaml as they are: known by their names, by their looks, by what stands before them. */
const MCP_NAMED = canary("mcp-named");
const MCP_LOOKS = plainCanary("mcp-looks-1");
const MCP_ARGUMENT = plainCanary("mcp-argument-2");
const MCP_HEADER = plainCanary("mcp-header");

const SKILL_SECRETS = [
  "JSON",
  "JSON_TWICE",
  "HTML",
  "REVERSED",
  "URL",
  "URL_SMALL",
  "FORM",
  "BASE64",
  "HEX",
  "THOUGHT",
  "OUTPUT",
  "OUTPUT_KEY",
  "OUTPUT_BASE64",
  "THROWN",
  "STACK",
  "LOGGED",
  "ARGUMENT",
  "MALFORMED",
  "TOOL_NAME",
  "PROMPT",
] as const;
type SkillSecret = (typeof SKILL_SECRETS)[number];
const ofSkill = (name: SkillSecret) => canary(name.toLowerCase().replaceAll("_", "-"));

const SECRETS = [
  ...Object.values(KEYS),
  ...SKILL_SECRETS.map(ofSkill),
  TRACE_HEADER,
  FILE_SECRET,
  URL_PASSWORD,
  DATABASE_PASSWORD,
  REDIS_PASSWORD,
  YAML_PASSWORD,
  MCP_NAMED,
  MCP_LOOKS,
  MCP_ARGUMENT,
  MCP_HEADER,
];

const base64 = (text: string) => Buffer.from(text).toString("base64");
const small = (text: string) => text.replaceAll(/%[0-9A-F]{2}/gu, (code) => code.toLowerCase());
const html = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** What the model says, each in a form of its own. */
const SAID: Readonly<Record<string, string>> = {
  anthropic: KEYS.ANTHROPIC_API_KEY,
  ollama: encodeURIComponent(KEYS.OLLAMA_API_KEY),
  lab: base64(KEYS.NEXFLOW_CUSTOM_LAB_API_KEY),
  lab2: Buffer.from(KEYS.NEXFLOW_CUSTOM_LAB_API_KEY_2).toString("hex").toUpperCase(),
  admin: base64(`admin:${KEYS.NEXFLOW_ADMIN_TOKEN}`),
  token: `https://user:${KEYS.NEXFLOW_TOKEN}@host/`,
  otel: base64(`xx${TRACE_HEADER}`),
  file: FILE_SECRET,
  json: JSON.stringify({ secret: ofSkill("JSON") }),
  twice: JSON.stringify(JSON.stringify({ secret: ofSkill("JSON_TWICE") })),
  html: html(ofSkill("HTML")),
  reversed: Array.from(ofSkill("REVERSED")).toReversed().join(""),
  url: encodeURIComponent(ofSkill("URL")),
  small: small(encodeURIComponent(ofSkill("URL_SMALL"))),
  form: new URLSearchParams({ key: ofSkill("FORM") }).toString(),
  base64: Buffer.from(`a:${ofSkill("BASE64")}`).toString("base64url"),
  hex: Buffer.from(ofSkill("HEX")).toString("hex"),
};
const SPEECH = Object.entries(SAID)
  .map(([name, form]) => `${name} is ${form} .`)
  .join("\n");

const PASSWORD_DEED = "say the password";
const DEEDS: Readonly<Record<string, readonly ModelDeed[]>> = {
  "say in ones": [{ kind: "say", text: SPEECH, chars: 1 }],
  "say in nines": [{ kind: "say", text: SPEECH, chars: 9 }],
  "say at once": [{ kind: "say", text: SPEECH, chars: SPEECH.length }],
  think: [
    { kind: "think", text: `I know ${ofSkill("THOUGHT")} .`, chars: 4 },
    { kind: "say", text: "Thought.", chars: 3 },
  ],
  leak: [{ kind: "call", name: "leaky__tell", json: "{}" }],
  throw: [{ kind: "call", name: "leaky__throw", json: "{}" }],
  pass: [
    { kind: "call", name: "leaky__tell", json: JSON.stringify({ to: ofSkill("ARGUMENT") }) },
    { kind: "call", name: "leaky__tell", json: `{"to": "${ofSkill("MALFORMED")}` },
    { kind: "call", name: `no__${ofSkill("TOOL_NAME")}`, json: "{}" },
  ],
  environment: [{ kind: "call", name: "mcp-given__environment", json: "{}" }],
  prompt: [{ kind: "call", name: "activate_skill", json: '{"name":"letters"}' }],
  refuse: [{ kind: "refuse", status: 401, text: "Incorrect API key provided:" }],
  [PASSWORD_DEED]: [{ kind: "say", text: `${URL_PASSWORD} opens it .`, chars: 5 }],
  fail: [{ kind: "refuse", status: 400, text: `at https://${KEYS.OPENAI_API_KEY_2}@host/ with` }],
};

const LEAKY = `
export async function run(tool, input, host) {
  await host.log(${JSON.stringify(`logging ${ofSkill("LOGGED")} .`)});
  if (tool === "throw") {
    const stack = ${JSON.stringify(`at ${ofSkill("STACK")} .`)};
    const error = new Error(${JSON.stringify(`threw ${ofSkill("THROWN")} .`)} + stack.length);
    error.stack = stack;
    throw error;
  }
  return {
    text: ${JSON.stringify(`output ${ofSkill("OUTPUT")} .`)},
    [${JSON.stringify(`key ${ofSkill("OUTPUT_KEY")} .`)}]: 1,
    list: [${JSON.stringify(base64(ofSkill("OUTPUT_BASE64")))}],
  };
}
`;

test("planted secrets turn up nowhere, however they are brought out", async ({ expect }) => {
  await using dir = await openTempDir();
  await using model = await EchoModel.open(DEEDS);
  await using collector = await TraceCollector.open();
  const home = path.join(dir.path, "home");
  await plant(dir.path, home);
  const env = {
    NEXFLOW_LOG_LEVEL: "debug",
    NEXFLOW_SKILLS_DIR: path.join(dir.path, "skills"),
    NEXFLOW_MODEL: "openai/echo",
    OPENAI_BASE_URL: `http://${model.host}/v1`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${TRACE_HEADER}`,
    NEXFLOW_SECRET_DISK_FILE: path.join(dir.path, "secret"),
    NEXFLOW_ALLOW_MISSING_LAYERS: "",
    ...Object.fromEntries(SKILL_SECRETS.map((name) => [`NEXFLOW_SECRET_${name}`, ofSkill(name)])),
    ...KEYS,
  };
  const seen = new Map<string, string>();
  await using server = await startNexflow({ homeDir: home, env });
  const token = KEYS.NEXFLOW_ADMIN_TOKEN;
  await using client = await ChatClient.open(server.url, token);
  const turns: string[] = [];
  const texts = new Map<string, string>();
  let sessionId = "";
  // The password is another server's: this one could not know it.
  for (const message of Object.keys(DEEDS).filter((deed) => deed !== PASSWORD_DEED)) {
    const answered = await client.ask(message);
    turns.push(answered.turnId);
    texts.set(message, answered.text);
    ({ sessionId } = answered);
  }
  seen.set("frames", JSON.stringify(client.frames));
  seen.set("deltas", deltasIn(client));

  for (const how of ["say in ones", "say in nines", "say at once"]) {
    for (const name of Object.keys(SAID)) {
      expect(texts.get(how), `${name}, ${how}`).toMatch(
        new RegExp(`(?:^|\\n)${name} is [^\\n]*\\[redacted\\]`, "u"),
      );
    }
  }
  const get = async (address: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${server.url}${address}`, { headers });
    const text = await response.text();
    seen.set(address, text);
    return text;
  };
  await get("/api/v1/tasks?limit=100");
  await get("/api/v1/audit?limit=100");
  await get("/api/v1/skills");
  await get(`/api/v1/sessions/${sessionId}/messages`);
  await get("/readyz");
  for (const turn of turns) await get(`/api/v1/turns/${turn}/timeline`);
  for (const turn of turns) await get(`/api/v1/turns/${turn}`);
  await collector.find(turns.length, ({ name }) => name === "invoke_agent nexflow");
  seen.set("traces", collector.bodies.join("\n"));
  // Agent threads tell what they counted now and then.
  await until(async () => (await get("/metrics")).includes('skill="leaky"'));

  const commands = { ...env, NEXFLOW_HOME: home, NEXFLOW_PORT: String(server.port) };
  const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const { stdout, stderr, code } = await runCommand(args, { env: { ...commands, ...more } });
    seen.set(`nexflow ${args.join(" ")} ${Object.keys(more).join()}`, stdout + stderr);
    return { text: stdout + stderr, code };
  };
  await run(["turn", "show", turns[0] ?? ""]);
  await run(["turn", "show", turns.at(-1) ?? "", "--json"]);
  await run(["audit", "list", "--json"]);
  await run(["sandbox", "calls", "--json"]);
  await run(["doctor"]);
  await run(["model", "list", "--json"]);
  await run(["mcp", "list"]);
  await run(["mcp", "test", "given", "--json"]);
  await run(["mcp", "test", "away"]);
  await run(["skill", "list"]);
  const tested = await run(["model", "test", "openai/echo"]);
  expect(tested.text).toContain("This is not for me: [redacted]");
  await server.stop();
  seen.set("log", server.output());
  await brokenStarts(run, { dir: dir.path, model: model.host, seen, expect });
  seen.set("store", await readAll(home));
  // What the model is told of its tools is masked too.
  seen.set("model", model.bodies.join("\n"));

  expect(seen.get("log")).toMatch(/"turnId":"[^"]+","sessionId":"[^"]+","error".*A turn failed/u);
  expectTried(seen, expect);
  expectNowhere(seen, expect);
});

test("a bug that ends the server is told without the secret in it", async ({ expect }) => {
  await using dir = await openTempDir();
  const bug = path.join(dir.path, "bug.mjs");
  const throwing = `process.on("SIGUSR2", () => {
    const key = process.env.OPENAI_API_KEY;
    const error = new Error("so " + key + " .");
    error.stack += "\\n    at " + key + " .";
    throw error;
  });`;
  await writeFile(
    bug,
    `import { isMainThread } from "node:worker_threads";\nif (isMainThread) ${throwing}`,
  );
  await using server = await startNexflow({
    env: { OPENAI_API_KEY: KEYS.OPENAI_API_KEY, NODE_OPTIONS: `--import ${bug}` },
  });
  const ended = once(server.process, "close");
  server.process.kill("SIGUSR2");
  await ended;
  expect(server.process.exitCode).toBe(1);
  expect(server.output()).toContain("so [redacted] .");
  expect(server.output()).toContain("at [redacted] .");
  expect(server.output()).toContain("A bug ended the server");
  expect(server.output()).not.toContain(KEYS.OPENAI_API_KEY);
});

interface Broken {
  readonly dir: string;
  readonly model: string;
  readonly seen: Map<string, string>;
  readonly expect: ExpectStatic;
}

/** Settings that cannot be used, each with a secret in it. */
async function brokenStarts(
  run: (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => Promise<{ readonly text: string; readonly code: number | null }>,
  { dir, model, seen, expect }: Broken,
): Promise<void> {
  const nowhere = "127.0.0.1:1";
  const database = `postgres://nexflow:${DATABASE_PASSWORD}@${nowhere}/nexflow`;
  const users = await run(["user", "list"], { NEXFLOW_DATABASE_URL: database });
  const served = await run(["serve"], { NEXFLOW_DATABASE_URL: database });
  const unreachable = `Cannot use the Postgres database: connect ECONNREFUSED ${nowhere}`;
  for (const { code, text } of [users, served]) {
    expect([code, text.trim()]).toEqual([1, `nexflow: ${unreachable}`]);
  }
  const brokenHome = path.join(dir, "broken");
  await mkdir(brokenHome);
  const address = `http://user:${YAML_PASSWORD}@${model}/v1`;
  const settings = `providers: { custom: { lab: { baseUrl: "${address}" } } }`;
  await writeFile(path.join(brokenHome, "models.yaml"), settings);
  const refused = await run(["serve"], { NEXFLOW_HOME: brokenHome });
  expect(refused).toMatchObject({ code: 78, text: expect.stringContaining("models.yaml") });

  await using postgres = await openTestDatabase();
  const unheard = await run(["serve"], {
    NEXFLOW_DATABASE_URL: postgres.url,
    NEXFLOW_REDIS_URL: `redis://:${REDIS_PASSWORD}@${nowhere}`,
  });
  const unheardOf = `Cannot reach Redis (NEXFLOW_REDIS_URL): connect ECONNREFUSED ${nowhere}`;
  // MCP servers may have something to say before.
  const last = unheard.text.trim().split("\n").at(-1);
  expect([unheard.code, last]).toEqual([1, `nexflow: ${unheardOf}`]);
  await using server = await startNexflow({
    env: {
      NEXFLOW_MODEL: "openai/echo",
      NEXFLOW_LOG_LEVEL: "debug",
      OPENAI_API_KEY: KEYS.OPENAI_API_KEY,
      OPENAI_BASE_URL: `http://user:${URL_PASSWORD}@${model}/v1`,
    },
  });
  await using client = await ChatClient.open(server.url, server.token);
  await client.ask("refuse");
  expect((await client.ask(PASSWORD_DEED)).text).toBe("[redacted] opens it .");
  seen.set(
    "frames of a server with a password in an address",
    JSON.stringify(client.frames) + deltasIn(client),
  );
  await server.stop();
  seen.set("log of a server with a password in an address", server.output());
}

/** Writes the skills and the file that hold secrets. */
async function plant(dir: string, home: string): Promise<void> {
  await mkdir(home);
  await writeFile(path.join(dir, "secret"), `${FILE_SECRET}\n`);
  const leaky = path.join(dir, "skills", "leaky");
  await mkdir(leaky, { recursive: true });
  const tool = (name: string) => ({
    name,
    description: "Tells",
    effects: ["read"],
    input: { type: "object" },
    output: {},
    examples: [],
  });
  const manifest = {
    name: "leaky",
    version: "1.0.0",
    runtime: "isolate",
    entry: "index.js",
    tools: [tool("tell"), tool("throw")],
  };
  await writeFile(path.join(leaky, "SKILL.md"), skillText("leaky", "Leaks."));
  await writeFile(path.join(leaky, "nexflow.json"), JSON.stringify(manifest));
  await writeFile(path.join(leaky, "index.js"), LEAKY);
  const { command, args, approvals } = entryOf("plain");
  const words = 'echo "begun with $SERVICE_PASSWORD" >&2; exec "$@"';
  const given = {
    command: "/bin/sh",
    args: ["-c", words, "sh", command, ...args, "--access-token", MCP_ARGUMENT],
    env: { SERVICE_PASSWORD: { value: MCP_NAMED }, SERVICE_ID: { value: MCP_LOOKS } },
    approvals,
  };
  const away = { url: "http://127.0.0.1:1/mcp", headers: { Cookie: { value: `a=${MCP_HEADER}` } } };
  const servers = stringify({ servers: { given, away } });
  await writeFile(path.join(home, "mcp.yaml"), servers);
  const letters = path.join(home, "skills", "letters");
  await mkdir(letters, { recursive: true });
  const body = `Sign with ${ofSkill("PROMPT")} .`;
  await writeFile(path.join(letters, "SKILL.md"), skillText("letters", body));
}

function skillText(name: string, body: string): string {
  return `---\nname: ${name}\ndescription: ${name} for a test.\n---\n\n${body}\n`;
}

/** What stands where each secret would be that the model does not say itself: its way out was tried. */
const TRACES: Readonly<Record<string, string>> = {
  [KEYS.OPENAI_API_KEY]: "This is not for me: [redacted]",
  [KEYS.OPENAI_API_KEY_2]: "said: at https://[redacted] with",
  [URL_PASSWORD]: "[redacted] opens it .",
  // These are left out where it is told that nothing can be done with them.
  [DATABASE_PASSWORD]: "Cannot use the Postgres database: connect ECONNREFUSED 127.0.0.1:1",
  [REDIS_PASSWORD]: "Cannot reach Redis (NEXFLOW_REDIS_URL): connect ECONNREFUSED 127.0.0.1:1",
  [YAML_PASSWORD]: "providers.custom.lab.baseUrl: found a text",
  [ofSkill("THOUGHT")]: "I know [redacted] .",
  [ofSkill("OUTPUT")]: "output [redacted] .",
  [ofSkill("OUTPUT_KEY")]: "key [redacted] .",
  [ofSkill("OUTPUT_BASE64")]: String.raw`\"list\":[\"[redacted]`,
  [ofSkill("THROWN")]: "threw [redacted] .",
  // The length of the stack that it was thrown with.
  [ofSkill("STACK")]: `threw [redacted] .${`at ${ofSkill("STACK")} .`.length}`,
  [ofSkill("LOGGED")]: "[withheld: it holds the secret LOGGED]",
  [ofSkill("ARGUMENT")]: String.raw`\"to\":\"[redacted]`,
  [ofSkill("MALFORMED")]: "is not JSON: ",
  [ofSkill("TOOL_NAME")]: "no.[redacted]",
  [ofSkill("PROMPT")]: "Sign with [redacted] .",
  [MCP_NAMED]: String.raw`\"SERVICE_PASSWORD\":\"[redacted]\"`,
  [MCP_LOOKS]: String.raw`\"SERVICE_ID\":\"[redacted]\"`,
  [MCP_ARGUMENT]: "begun with [redacted]",
  // Sent to a server that is not there.
  [MCP_HEADER]: "127.0.0.1:1/mcp",
};

/** Each way out was really tried: where the secret would be, its mask is. */
function expectTried(seen: ReadonlyMap<string, string>, expect: ExpectStatic): void {
  const all = [...seen.values()].join("\n");
  for (const trace of Object.values(TRACES)) expect(all, trace).toContain(trace);
  // Those that the model says were looked for in what it said.
  expect(Object.keys(TRACES).length + Object.keys(SAID).length).toBe(SECRETS.length);
  expect(new Set(SECRETS).size).toBe(SECRETS.length);
  expect(SECRETS.length).toBeGreaterThanOrEqual(30);
  expect(seen.get("frames")).toContain("output [redacted] .");
  expect(seen.get("log")).toContain("[redacted]");
  expect(seen.get("log")).toContain("begun with [redacted]");
  expect(seen.get("/api/v1/tasks?limit=100")).toContain("output [redacted] .");
  expect(seen.get("store")).toContain("output [redacted] .");
  expect(seen.get("model")).toContain("output [redacted] .");
  expect(seen.get("traces")).toContain("execute_tool leaky.tell");
  expect(seen.get("/metrics")).toContain('skill="leaky"');
  expect(all).toContain("refused the key for model");
}

/** What came piece by piece, whole. */
function deltasIn({ frames }: ChatClient): string {
  return frames
    .map((frame) => (frame.type === "event" ? String(frame.event.delta ?? "") : ""))
    .join("");
}

/** Not as it is and in no encoding in which it could be read again. */
function expectNowhere(seen: ReadonlyMap<string, string>, expect: ExpectStatic): void {
  const found: string[] = [];
  for (const secret of SECRETS) {
    for (const form of readableForms(secret)) {
      for (const [place, text] of seen) if (text.includes(form)) found.push(`${form} in ${place}`);
    }
  }
  expect(found).toEqual([]);
}

function readableForms(secret: string): ReadonlySet<string> {
  const json = JSON.stringify(secret).slice(1, -1);
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString("base64");
    return text.slice(4, -4);
  });
  const hex = Buffer.from(secret).toString("hex");
  return new Set([
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    html(secret),
    encodeURIComponent(secret),
    small(encodeURIComponent(secret)),
    Array.from(secret).toReversed().join(""),
    hex,
    hex.toUpperCase(),
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    // The random half alone would do for who looks for it.
    secret.slice(-16),
  ]);
}

async function readAll(dir: string): Promise<string> {
  const names = await readdir(dir);
  const files = names.filter((name) => name.startsWith("nexflow.db"));
  return (await Promise.all(files.map((name) => readFile(path.join(dir, name), "latin1")))).join();
}

async function until(isThere: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await isThere()) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
