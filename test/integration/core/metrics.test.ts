import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type ExpectStatic, test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { readUntil } from "../../support/metrics.ts";
import { MODEL_APIS, type ModelApi } from "../../support/model-apis.ts";
import { openModelSocket, responseHead, wholeResponse } from "../../support/model-socket.ts";
import { plantSkill } from "../../support/planted-skill.ts";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const API = MODEL_APIS[0] as ModelApi;

test("/metrics tells what turns did, in Prometheus' form, to who may read it", async ({
  expect,
}) => {
  await using server = await startNexflow();
  await using client = await ChatClient.open(server.url, server.token);
  await client.ask("hello");
  await client.ask("/calculator 2+2*3");
  const metrics = await readUntil(
    server,
    (all) => all.get('nexflow_turns_total{state="completed"}') === 2,
  );

  expect(metrics.get("nexflow_turn_seconds_count")).toBe(2);
  expect(metrics.get("nexflow_turn_first_token_seconds_count")).toBe(2);
  expect(
    metrics.get('nexflow_tool_calls_total{skill="calculator",outcome="ok",effect="read"}'),
  ).toBe(1);
  expect(metrics.get('nexflow_tool_call_seconds_count{skill="calculator"}')).toBe(1);
  expect(metrics.get('nexflow_sockets{kind="websocket"}')).toBe(1);
  expect(metrics.get("nexflow_turns_running")).toBe(0);
  expect(metrics.get("nexflow_approvals_pending")).toBe(0);
  expect(metrics.get("nexflow_sandbox_starts_total")).toBeGreaterThan(0);
  expect(metrics.get("nexflow_store_call_seconds_count")).toBeGreaterThan(2);
  expect(metrics.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  const threads = [...metrics.keys()].filter((key) => key.includes('quantile="0.99"'));
  expect(threads.join()).toMatch(/thread="main"/u);
  expect(threads.join()).toMatch(/thread="store"/u);
  expect(threads.join()).toMatch(/thread="agent-\d+"/u);

  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  await expectOnlyWithScope(server, expect);
});

test("/metrics counts a known load to the token: turns, cost, calls, what waits, what is left alone", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const skillsDir = path.join(dir.path, "planted");
  await plantSkill(skillsDir, { name: "sender", effects: ["external"], body: 'return "sent";' });
  await plantSkill(skillsDir, { name: "looker", effects: ["read"], body: 'return "seen";' });
  const held = Promise.withResolvers<void>();
  // What to do stands in the message.
  await using model = await openModelSocket((socket, { body }) => {
    const head = responseHead(200, { "content-type": API.contentType }) + API.head;
    const say = () => socket.end(`${head}${API.text("Hi")}${API.end("stop")}`);
    const isAnswered = body.includes("function_call_output");
    if (body.includes("do: fail")) socket.end(wholeResponse(500, {}, "No"));
    else if (body.includes("do: hold")) void held.promise.then(say);
    else if (body.includes("do: send")) {
      socket.end(`${head}${API.toolCall("sender__run", "{}")}${API.end("tool-calls")}`);
    } else if (body.includes("do: look") && !isAnswered) {
      socket.end(`${head}${API.toolCall("looker__run", "{}")}${API.end("tool-calls")}`);
    } else say();
  });
  const settings = [
    "providers: { openai: { api: responses } }",
    'prices: { "openai/test": { input: 1, output: 2 } }',
    "limits: { retries: 0, breaker: { failures: 2, pauseMs: 600000 } }",
  ];
  await writeFile(path.join(dir.path, "models.yaml"), settings.join("\n"));
  await using server = await startNexflow({
    homeDir: dir.path,
    env: {
      NEXFLOW_MODEL: "openai/test",
      OPENAI_API_KEY: "key",
      OPENAI_BASE_URL: `${model.url}/v1`,
      NEXFLOW_SKILLS_DIR: skillsDir,
      NEXFLOW_AGENT_THREADS: "1",
    },
  });
  await using client = await ChatClient.open(server.url, server.token);
  for (const text of ["hello", "hello again", "do: look"]) await client.ask(text);
  await client.send("do: send");
  await client.find((frame) => frame.type === "event" && frame.event.outcome?.type === "interrupt");
  const first = await client.send("do: hold");
  const second = await client.send("and then?", { sessionId: first.sessionId });
  const waiting = await readUntil(server, (all) => all.get("nexflow_turns_queued") === 1);
  expect(waiting.get("nexflow_turns_running")).toBe(1);
  expect(waiting.get("nexflow_turns_in_flight")).toBe(2);
  held.resolve();
  for (const { turnId } of [first, second]) await client.findEnd(turnId);
  for (const text of ["do: fail", "do: fail", "do: fail"]) await client.ask(text);

  const open = 'nexflow_model_breakers{model="openai/test",state="open"}';
  const failed = 'nexflow_turns_total{state="failed"}';
  const metrics = await readUntil(server, (all) => all.get(open) === 1 && all.get(failed) === 3);
  const ofModel = (name: string, labels = "") =>
    metrics.get(`${name}{model="openai/test"${labels}}`);
  expect(metrics.get(failed)).toBe(3);
  expect(metrics.get('nexflow_turns_total{state="completed"}')).toBe(5);
  expect(metrics.get('nexflow_turn_failures_total{code="LLM_UNAVAILABLE"}')).toBe(2);
  expect(metrics.get('nexflow_turn_failures_total{code="LLM_PAUSED"}')).toBe(1);
  expect(metrics.get("nexflow_turn_pauses_total")).toBe(1);
  expect(metrics.get("nexflow_approvals_pending")).toBe(1);
  // Seven answers, each of which the service says took 3 tokens and gave 4.
  expect(metrics.get("nexflow_steps_total")).toBe(7);
  expect(ofModel("nexflow_model_calls_total", ',state="answered"')).toBe(7);
  expect(ofModel("nexflow_tokens_total", ',kind="input"')).toBe(7 * 3);
  expect(ofModel("nexflow_tokens_total", ',kind="output"')).toBe(7 * 4);
  expect(ofModel("nexflow_cost_usd_total")).toBeCloseTo((7 * (3 * 1 + 4 * 2)) / 1_000_000, 12);
  const called = 'nexflow_tool_calls_total{skill="looker",outcome="ok",effect="read"}';
  expect(metrics.get(called)).toBe(1);
  expect(ofModel("nexflow_model_breakers", ',state="open"')).toBe(1);
  expect(ofModel("nexflow_model_breakers", ',state="closed"')).toBe(0);
  expect(metrics.get("nexflow_turns_queued")).toBe(0);
  for (const quantile of ["0.5", "0.99", "1"]) {
    const delay = `nexflow_event_loop_delay_seconds{thread="main",quantile="${quantile}"}`;
    expect(metrics.get(delay), quantile).toBeGreaterThanOrEqual(0);
  }
  const processes = ["spare", "idle", "busy"].map((state) =>
    metrics.get(`nexflow_sandbox_processes{state="${state}"}`),
  );
  expect(processes).not.toContain(undefined);
  expect(metrics.get("nexflow_sandbox_queued")).toBe(0);
  expect(metrics.get("nexflow_sandbox_quarantined")).toBe(0);
});

async function expectOnlyWithScope(server: RunningNexflow, expect: ExpectStatic): Promise<void> {
  const statuses = await Promise.all(
    ["sessions:read", "metrics:read"].map(async (scope) => {
      const token = await makeToken(server, scope);
      return (await fetch(`${server.url}/metrics`, { headers: bearer(token) })).status;
    }),
  );
  expect(statuses).toEqual([403, 200]);
}

async function makeToken(server: RunningNexflow, scope: string): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/users/admin/tokens`, {
    method: "POST",
    headers: bearer(server.token),
    body: JSON.stringify({ label: "prometheus", scopes: [scope] }),
  });
  const { secret } = (await response.json()) as { secret: string };
  return secret;
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` };
}
