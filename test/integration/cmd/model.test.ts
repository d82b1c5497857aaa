import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { MODEL_APIS } from "../../support/model-apis.ts";
import { openModelSocket, responseHead, wholeResponse } from "../../support/model-socket.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

const CANARY = "sk-canary-0123456789";

describe("nexflow model", () => {
  test("list tells providers, aliases, models and whether keys are there, but no key", async ({
    expect,
  }) => {
    await using home = await openHome(`
default: fast
aliases: { fast: openai/gpt-5-mini }
fallbacks: { fast: [ollama/qwen3] }
providers: { custom: { lab: { baseUrl: "http://127.0.0.1:9/v1" } } }
prices: { "custom:lab/x": { input: 0.5, output: 1.5 } }
`);
    const env = { ...home.env, OPENAI_API_KEY: CANARY, OPENAI_API_KEY_2: `${CANARY}-2` };
    const [json, text] = await Promise.all([
      runCommand(["model", "list", "--json"], { env }),
      runCommand(["model", "list"], { env }),
    ]);
    expect([json.code, text.code]).toEqual([0, 0]);
    const overview = JSON.parse(json.stdout);
    expect(overview).toMatchObject({
      default: { name: "fast", model: "openai/gpt-5-mini" },
      aliases: [{ name: "fast", model: "openai/gpt-5-mini" }],
    });
    expect(overview.providers).toEqual([
      { name: "openai", keys: 2, isUsable: true },
      { name: "anthropic", keys: 0, isUsable: false },
      { name: "ollama", keys: 0, isUsable: true },
      { name: "offline", keys: 0, isUsable: true },
      { name: "custom:lab", keys: 0, isUsable: true },
    ]);
    expect(overview.models).toContainEqual({
      name: "custom:lab/x",
      isUsable: true,
      fallbacks: [],
      price: { input: 0.5, output: 1.5 },
    });
    expect(text.stdout).toMatch(/^Default: fast \(openai\/gpt-5-mini\)$/mu);
    expect(text.stdout).toMatch(/^openai +2 keys are there$/mu);
    expect(text.stdout).toMatch(/^openai\/gpt-5-mini +\$0\.25 \/ \$2 +400000 tokens/mu);
    expect(json.stdout + text.stdout).not.toContain("canary");
  });

  test("says where a file is wrong, and ends with 78", async ({ expect }) => {
    await using home = await openHome("default: [");
    const { code, stderr } = await runCommand(["model", "list"], { env: home.env });
    expect(code).toBe(78);
    expect(stderr).toMatch(/^nexflow: Cannot use the settings: models\.yaml:1:11: /u);
  });

  test("a test makes one small call and tells how fast it was", async ({ expect }) => {
    await using service = await openModelSocket((socket) => {
      const head = responseHead(200, { "content-type": CHAT.contentType, connection: "close" });
      socket.end(head + CHAT.head + CHAT.text("Hello") + CHAT.end("stop"));
    });
    await using home = await openHome(
      `providers: { custom: { lab: { baseUrl: "${service.url}/v1" } } }`,
    );
    const args = ["model", "test", "custom:lab/x"];
    const json = await runCommand([...args, "--json"], { env: home.env });
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: "answered",
      model: "custom:lab/x",
      text: "Hello",
      firstTokenMs: expect.any(Number),
    });
    const text = await runCommand(args, { env: home.env });
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^custom:lab\/x answers: first word after \d+ ms, all of it/u);
    expect(JSON.parse(service.requests[0]?.body ?? "{}")).toMatchObject({ model: "x" });
  });

  test("a test says in one sentence what is wrong with a key, never the key", async ({
    expect,
  }) => {
    await using service = await openModelSocket((socket) => {
      const body = CHAT.error(401, `Incorrect API key provided: ${CANARY}`);
      socket.write(wholeResponse(401, { "content-type": "application/json" }, body));
    });
    await using home = await openHome("");
    const env = { ...home.env, OPENAI_BASE_URL: `${service.url}/v1` };
    const [wrong, missing, unknown] = await Promise.all([
      runCommand(["model", "test", "openai/gpt"], { env: { ...env, OPENAI_API_KEY: CANARY } }),
      runCommand(["model", "test", "anthropic/claude"], { env }),
      runCommand(["model", "test", "slow"], { env }),
    ]);
    expect(wrong).toMatchObject({ code: 1, stderr: "" });
    expect(wrong.stdout).toMatch(
      /^Failed: \S+ refused the key for model "openai\/gpt" \(401\): check OPENAI_API_KEY\n$/u,
    );
    expect(missing.stdout).toMatch(/^Failed: .* without a key: set ANTHROPIC_API_KEY .*\n$/u);
    expect(unknown.stdout).toMatch(/^Failed: Cannot find model "slow": expected .*\n$/u);
    for (const { code, stdout } of [wrong, missing, unknown]) {
      expect(code).toBe(1);
      expect(stdout).not.toMatch(/canary|\n {4}at /u);
    }
  });

  test("use writes the default and leaves the rest of the file as it is", async ({ expect }) => {
    await using home = await openHome(
      "# mine\ndefault: fast # for now\naliases:\n  fast: ollama/a\n",
    );
    const used = await runCommand(["model", "use", "ollama/b"], { env: home.env });
    expect(used).toMatchObject({ code: 0, stdout: "ollama/b answers by default\n" });
    expect(await home.read()).toBe(
      "# mine\ndefault: ollama/b # for now\naliases:\n  fast: ollama/a\n",
    );
    const refused = await runCommand(["model", "use", "nobody"], { env: home.env });
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain("models.yaml:2:1: default: ");
    expect(await home.read()).toContain("default: ollama/b");
    await using empty = await openTempDir();
    const env = { NEXFLOW_HOME: path.join(empty.path, "new"), NEXFLOW_MODEL: "offline/rules" };
    const first = await runCommand(["model", "use", "ollama/b"], { env });
    expect(first.stdout).toContain("for now NEXFLOW_MODEL says offline/rules");
  });

  test("pull has the ollama server fetch a model and tells how far it is", async ({ expect }) => {
    const done = (completed: number) => ({ status: "pulling 1a2b", total: 200, completed });
    const lines = [{ status: "pulling manifest" }, done(0), done(101), { status: "success" }];
    await using service = await openModelSocket((socket) => {
      const head = responseHead(200, {
        "content-type": "application/x-ndjson",
        connection: "close",
      });
      socket.end(head + lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    });
    await using home = await openHome("");
    const env = { ...home.env, OLLAMA_HOST: service.url };
    const { code, stdout, stderr } = await runCommand(["model", "pull", "ollama/qwen3"], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(
      "pulling manifest\npulling 1a2b: 0%\npulling 1a2b: 50%\nsuccess\nollama/qwen3 is there\n",
    );
    expect(JSON.parse(service.requests[0]?.body ?? "{}")).toMatchObject({ name: "qwen3" });
    const nobody = await runCommand(["model", "pull", "qwen3"], {
      env: { ...home.env, OLLAMA_HOST: "127.0.0.1:9" },
    });
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/^nexflow: Cannot reach .*\n$/u);
  });

  test("use --session has a session answered by another model, by name and by alias", async ({
    expect,
  }) => {
    const said: string[] = [];
    await using service = await openModelSocket((socket, { body }) => {
      const { model } = JSON.parse(body) as { model: string };
      said.push(model);
      const head = responseHead(200, { "content-type": CHAT.contentType, connection: "close" });
      socket.end(head + CHAT.head + CHAT.text(`I am ${model}`) + CHAT.end("stop"));
    });
    await using home = await openHome(`
default: custom:lab/one
aliases: { other: custom:lab/two }
providers: { custom: { lab: { baseUrl: "${service.url}/v1" } } }
`);
    await using server = await startNexflow({ homeDir: home.path });
    const env = { ...home.env, NEXFLOW_TOKEN: server.token, NEXFLOW_PORT: String(server.port) };
    const api = async (path: string, key: string) => {
      const authorization = `Bearer ${server.token}`;
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method: "POST",
        headers: { authorization, "idempotency-key": key, prefer: "wait=20" },
        body: JSON.stringify({ text: "who are you" }),
      });
      return (await response.json()) as { sessionId: string };
    };
    const { sessionId } = await api("/messages", "1");
    const use = (model: string, id = sessionId) =>
      runCommand(["model", "use", model, "--session", id], { env });
    expect(await use("other")).toMatchObject({
      code: 0,
      stdout: `other answers in session ${sessionId}\n`,
    });
    await api(`/sessions/${sessionId}/messages`, "2");
    await api("/messages", "3");
    const [back, refused, lost] = await Promise.all([
      use("default"),
      use("nobody"),
      use("other", "none"),
    ]);
    await api(`/sessions/${sessionId}/messages`, "4");
    expect(said).toEqual(["one", "two", "one", "one"]);
    expect([back.code, refused.code, lost.code]).toEqual([0, 1, 1]);
    expect(refused.stderr).toContain('"model" is not known');
  });

  test("with a list of what may be chosen, nothing else is shown, taken or gone on with", async ({
    expect,
  }) => {
    await using service = await openModelSocket((socket, { body }) => {
      const { model } = JSON.parse(body) as { model: string };
      const head = responseHead(200, { "content-type": CHAT.contentType, connection: "close" });
      socket.end(head + CHAT.head + CHAT.text(`I am ${model}`) + CHAT.end("stop"));
    });
    const fileWith = (allow: string) => `
default: custom:lab/one
aliases: { other: custom:lab/two, dear: custom:lab/dear }
allow: ${allow}
providers: { custom: { lab: { baseUrl: "${service.url}/v1" } } }
`;
    await using home = await openHome(fileWith('["custom:lab/t*"]'));
    await using server = await startNexflow({ homeDir: home.path });
    const env = { ...home.env, NEXFLOW_TOKEN: server.token, NEXFLOW_PORT: String(server.port) };
    const headers = { authorization: `Bearer ${server.token}` };
    const get = async (at: string) =>
      (await (await fetch(`${server.url}${at}`, { headers })).json()) as Record<string, unknown>;
    const post = async (at: string, body: object, key: string) => {
      const response = await fetch(`${server.url}${at}`, {
        method: "POST",
        headers: { ...headers, "idempotency-key": key, prefer: "wait=20" },
        body: JSON.stringify(body),
      });
      // oxlint-disable-next-line typescript/no-explicit-any -- answers of two APIs
      return { status: response.status, json: (await response.json()) as any };
    };
    expect(await get("/api/v1/models")).toMatchObject({
      default: { name: "custom:lab/one" },
      aliases: [{ name: "other", model: "custom:lab/two" }],
      allow: ["custom:lab/t*"],
    });
    const { models } = (await get("/api/v1/models")) as { models: { name: string }[] };
    expect(models.map(({ name }) => name)).toEqual(["custom:lab/one", "custom:lab/two"]);
    const { data } = (await get("/v1/models")) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(["nexflow", "custom:lab/one", "other"]);
    const chat = (model: string) =>
      post(
        "/v1/chat/completions",
        { model, messages: [{ role: "user", content: "hi" }] },
        randomUUID(),
      );
    expect((await chat("dear")).json.error).toMatchObject({ code: "model_not_found" });
    expect((await chat("custom:lab/three")).json.choices[0].message.content).toBe("I am three");

    const { json } = await post("/api/v1/messages", { text: "who are you" }, "1");
    const { sessionId, turnId } = json;
    const use = (model: string) =>
      runCommand(["model", "use", model, "--session", sessionId], { env });
    const refused = await use("dear");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('"model" may not be chosen here');
    const anew = { model: "custom:lab/dear" };
    const again = await post(`/api/v1/turns/${turnId}/regenerate`, anew, "2");
    expect(again).toMatchObject({ status: 400, json: { code: "bad-frame" } });
    expect((await use("other")).code).toBe(0);
    const messages = `/api/v1/sessions/${sessionId}/messages`;
    const turn = (key: string) => post(messages, { text: "and you" }, key);
    expect(JSON.stringify((await turn("3")).json)).toContain("I am two");

    // What was chosen is not to be answered by another model than that, without a word.
    await writeFile(path.join(home.path, "models.yaml"), fileWith("[]"));
    await expect.poll(async () => (await get("/api/v1/models"))["allow"]).toEqual([]);
    await expect
      .poll(async () => JSON.stringify((await turn(randomUUID())).json), { timeout: 20_000 })
      .toMatch(/LLM_NOT_ALLOWED.*Model \\"other\\" may not be chosen any more/u);
    expect((await use("default")).code).toBe(0);
    expect(JSON.stringify((await turn("5")).json)).toContain("I am one");
    const listed = await runCommand(["model", "list"], { env });
    expect(listed.stdout).toContain("People may choose: none but the default");
    // The operator's own word for the default needs no leave.
    expect((await runCommand(["model", "use", "custom:lab/dear"], { env })).code).toBe(0);
  });
});

const CHAT = (() => {
  const api = MODEL_APIS.find(({ name }) => name === "openai by Chat Completions");
  if (api === undefined) throw new Error("There is no such API");
  return api;
})();

async function openHome(yaml: string) {
  const dir = await openTempDir();
  const file = path.join(dir.path, "models.yaml");
  await writeFile(file, yaml);
  return { ...dir, env: { NEXFLOW_HOME: dir.path }, read: () => readFile(file, "utf8") };
}
