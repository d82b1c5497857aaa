import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { stringify } from "yaml";
import { ChatClient } from "../../support/chat-client.ts";
import { McpHttpServer } from "../../support/mcp-http-server.ts";
import { MODEL_APIS } from "../../support/model-apis.ts";
import { openModelSocket, responseHead } from "../../support/model-socket.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { TraceCollector } from "../../support/trace-collector.ts";

test("a turn is told as a trace of its own id: its models, and in them their tools", async ({
  expect,
}) => {
  await using collector = await TraceCollector.open();
  await using server = await startNexflow({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret%20value",
      OTEL_SERVICE_NAME: "nexflow-test",
    },
  });
  await using client = await ChatClient.open(server.url, server.token);
  const { turnId, sessionId } = await client.ask("/calculator 2+2*3");
  const traceId = turnId.replaceAll("-", "");
  const spans = await collector.find(4, (span) => span.traceId === traceId);

  const turn = spans.find(({ name }) => name === "invoke_agent nexflow");
  expect(turn?.parentSpanId ?? "").toBe("");
  expect(turn?.attributes).toMatchObject({
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.conversation.id": sessionId,
    "nexflow.turn.id": turnId,
    "nexflow.turn.state": "completed",
  });
  const models = spans.filter(({ name }) => name === "chat offline/rules");
  expect(models.map(({ parentSpanId }) => parentSpanId)).toEqual([turn?.spanId, turn?.spanId]);
  expect(models[0]?.attributes).toMatchObject({
    "gen_ai.system": "offline",
    "gen_ai.request.model": "rules",
    "gen_ai.usage.input_tokens": expect.any(Number),
    "gen_ai.usage.output_tokens": expect.any(Number),
    "nexflow.step": 1,
    "nexflow.state": "answered",
  });
  const tool = spans.find(({ name }) => name === "execute_tool calculator.evaluate");
  expect(tool?.parentSpanId).toBe(models[0]?.spanId);
  expect(tool?.attributes).toMatchObject({
    "gen_ai.tool.name": "calculator.evaluate",
    "nexflow.state": "completed",
  });
  expect(collector.services).toEqual(new Set(["nexflow-test"]));
  expect(collector.headers[0]).toMatchObject({ "x-key": "secret value" });
  // Nothing of what was said.
  expect(collector.bodies.join()).not.toContain("2+2*3");
});

/** A model that calls a tool of an MCP server, and a server of both. */
async function openServices(env: Readonly<Record<string, string>>) {
  const api = MODEL_APIS.find(({ name }) => name === "openai by Chat Completions");
  if (api === undefined) throw new Error("There is no such API");
  const dir = await openTempDir();
  const web = await McpHttpServer.open();
  const approvals = { external: "allow", results: { private: false } };
  const servers = { web: { url: web.url, approvals } };
  await writeFile(path.join(dir.path, "mcp.yaml"), stringify({ servers }));
  const model = await openModelSocket((socket) => {
    const isFirst = model.requests.length === 1;
    const said = isFirst ? api.toolCall("mcp-web__run", "{}") : api.text("It ran");
    const end = api.end(isFirst ? "tool-calls" : "stop");
    socket.end(responseHead(200, { "content-type": api.contentType }) + api.head + said + end);
  });
  const server = await startNexflow({
    homeDir: dir.path,
    env: {
      NEXFLOW_MODEL: "openai/test",
      OPENAI_API_KEY: "test-key",
      OPENAI_BASE_URL: model.url + api.base,
      ...env,
    },
  });
  const client = await ChatClient.open(server.url, server.token);
  return {
    web,
    client,
    /** What its requests say that they belong to. */
    askedBy: () =>
      model.requests.map(({ head }) => /^traceparent: (?<id>\S+)/imu.exec(head)?.groups?.["id"]),
    [Symbol.asyncDispose]: async () => {
      for (const each of [client, server, model, web, dir]) await each[Symbol.asyncDispose]();
    },
  };
}

test("models and MCP servers are told which span a request belongs to", async ({ expect }) => {
  await using collector = await TraceCollector.open();
  await using opened = await openServices({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const { turnId, text } = await opened.client.ask("Run it");
  expect(text).toBe("It ran");
  const traceId = turnId.replaceAll("-", "");
  const spans = await collector.find(4, (span) => span.traceId === traceId);
  const parentsOf = (name: string) =>
    spans.filter((span) => span.name === name).map(({ spanId }) => `00-${traceId}-${spanId}-01`);
  const asked = opened.askedBy();
  expect(asked).toHaveLength(2);
  expect(new Set(asked)).toEqual(new Set(parentsOf("chat openai/test")));
  const told = opened.web.traceParents.filter(([, parent]) => parent !== undefined);
  expect(told).toEqual([["tools/call", ...parentsOf("execute_tool mcp-web.run")]]);
});

test.for<[string, (url: string) => Readonly<Record<string, string>>]>([
  ["is no collector", () => ({})],
  [
    "is one, and services are to be told nothing",
    (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_PROPAGATORS: "none" }),
  ],
])("where there %s, no request names a trace", async ([, envOf], { expect }) => {
  await using collector = await TraceCollector.open();
  await using opened = await openServices(envOf(collector.url));
  expect((await opened.client.ask("Run it")).text).toBe("It ran");
  expect(opened.askedBy()).toEqual([undefined, undefined]);
  expect(opened.web.traceParents.map(([method]) => method)).toContain("tools/call");
  expect(new Set(opened.web.traceParents.map(([, parent]) => parent))).toEqual(
    new Set([undefined]),
  );
});

test("a collector that does not answer stops no turn", async ({ expect }) => {
  await using collector = await TraceCollector.open();
  const { url } = collector;
  await collector[Symbol.asyncDispose]();
  await using server = await startNexflow({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } });
  await using client = await ChatClient.open(server.url, server.token);
  expect((await client.ask("hello")).text).not.toBe("");
  expect((await client.ask("hello")).text).not.toBe("");
  expect(await server.stop()).toBe(0);
});
