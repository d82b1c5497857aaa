import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { ChatClient } from "../support/chat-client.ts";
import { entryOf } from "../support/mcp.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const ENV = {
  NEXFLOW_AGENT_THREADS: "1",
  NEXFLOW_SANDBOX_PROCESSES: "1",
  NEXFLOW_BACKGROUND_AFTER_MS: "300",
};

interface Messages {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
  readonly turns: readonly { readonly state: string }[];
}

interface Tasks {
  readonly tasks: readonly { readonly id: string; readonly state: string }[];
}

interface Detail {
  readonly callId?: string;
  readonly outcome?: string;
}

async function openHome() {
  const dir = await openTempDir();
  const servers = { plain: entryOf("plain") };
  await writeFile(path.join(dir.path, "mcp.yaml"), stringify({ servers }));
  return dir;
}

function clientOf({ url, token }: RunningNexflow) {
  const headers = { authorization: `Bearer ${token}` };
  const ask = (at: string, method = "GET") => {
    const body = method === "PUT" ? { body: "{}" } : {};
    return fetch(`${url}/api/v1${at}`, { method, headers, ...body });
  };
  const read = async <T>(at: string) => (await (await ask(at)).json()) as T;
  const messagesOf = (id: string) => read<Messages>(`/sessions/${id}/messages`);
  return {
    ask,
    messagesOf,
    tasksOf: async (id: string) => (await read<Tasks>(`/tasks?sessionId=${id}`)).tasks,
    /** The reports that a session has, when all its turns have ended. */
    reportsOf: async (id: string) => {
      const { messages, turns } = await messagesOf(id);
      if (turns.some(({ state }) => state === "running" || state === "queued")) return [];
      return messages
        .filter(({ role }) => role === "user")
        .map(({ content }) => String(content))
        .filter((text) => text.startsWith("[Report by Nexflow"));
    },
  };
}

/** The calls that are on the audit log as cancelled. */
async function stoppedIn(server: RunningNexflow): Promise<readonly string[]> {
  const response = await clientOf(server).ask("/audit?limit=100");
  const { entries } = (await response.json()) as {
    readonly entries: readonly { readonly detail: { readonly value?: Detail } }[];
  };
  return entries.flatMap(({ detail: { value } }) =>
    value?.callId !== undefined && value.outcome === "cancelled" ? [value.callId] : [],
  );
}

/** Has a turn begin a call that takes so long, and end without its result. */
async function begin(server: RunningNexflow, ms: number): Promise<string> {
  await using chat = await ChatClient.open(server.url, server.token);
  const { sessionId, events } = await chat.ask(`/mcp-plain.wait {"ms": ${ms}}`);
  expect(JSON.stringify(events)).toContain("goes on in the background");
  expect((await clientOf(server).tasksOf(sessionId)).map(({ state }) => state)).toEqual([
    "running",
  ]);
  return sessionId;
}

test("a turn does not wait for a call that takes long; its result comes as a turn", async () => {
  await using dir = await openHome();
  await using server = await startNexflow({ homeDir: dir.path, env: ENV });
  const client = clientOf(server);
  const sessionId = await begin(server, 5_000);
  expect(await client.reportsOf(sessionId)).toEqual([]);
  await expect.poll(() => client.reportsOf(sessionId), { timeout: 15_000 }).toHaveLength(1);
  const [report] = await client.reportsOf(sessionId);
  expect(report).toContain("(mcp-plain.wait)");
  expect(report).toContain("has ended: completed");
  expect(report).toContain("5000");
  const { messages } = await client.messagesOf(sessionId);
  expect(messages.map(({ role }) => role)).toEqual([
    "user",
    "assistant",
    "tool",
    "assistant",
    "user",
    "assistant",
  ]);
  expect(await server.stop()).toBe(0);
});

test("a kill interrupts such a call, and the next start reports that once", async () => {
  await using dir = await openHome();
  let server = await startNexflow({ homeDir: dir.path, env: ENV });
  const sessionId = await begin(server, 60_000);
  await server.kill();
  for (const _ of [1, 2]) {
    server = await startNexflow({ homeDir: dir.path, env: ENV });
    const client = clientOf(server);
    await expect.poll(() => client.reportsOf(sessionId), { timeout: 15_000 }).toHaveLength(1);
    expect((await client.reportsOf(sessionId))[0]).toContain('{"code":"interrupted"');
    expect((await client.tasksOf(sessionId)).map(({ state }) => state)).toEqual(["failed"]);
    expect(await server.stop()).toBe(0);
  }
});

test("such a call ends by a cancel, the brake and a deletion, and holds up no stop", async () => {
  await using dir = await openHome();
  await using server = await startNexflow({ homeDir: dir.path, env: ENV });
  const client = clientOf(server);
  const sessionId = await begin(server, 60_000);
  const [task] = await client.tasksOf(sessionId);
  expect((await client.ask(`/tasks/${task?.id}/cancel`, "POST")).status).toBe(202);
  await expect.poll(() => client.reportsOf(sessionId), { timeout: 15_000 }).toHaveLength(1);
  expect((await client.reportsOf(sessionId))[0]).toContain("has ended: cancelled");
  const braked = await begin(server, 60_000);
  expect((await client.ask("/brake", "PUT")).status).toBe(200);
  const states = async () => (await client.tasksOf(braked)).map(({ state }) => state);
  await expect.poll(states, { timeout: 5_000 }).toEqual(["cancelled"]);
  expect((await client.ask("/brake", "DELETE")).status).toBe(204);
  const deleted = await begin(server, 60_000);
  const [gone] = await client.tasksOf(deleted);
  expect((await client.ask(`/sessions/${deleted}`, "DELETE")).status).toBe(204);
  // The record of the call says that it was stopped too, not only left.
  await expect.poll(() => stoppedIn(server), { timeout: 5_000 }).toContain(gone?.id);
  await begin(server, 60_000);
  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(8_000);
});
