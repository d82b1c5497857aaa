import { once } from "node:events";
import { describe, test } from "vitest";
import { WebSocket } from "ws";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { medianOf } from "../../support/timings.ts";
import { runCommand } from "./run-command.ts";

interface Place {
  readonly env: Readonly<Record<string, string>>;
}

/** What a command says as JSON, and how it ends. */
async function run({ env }: Place, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runCommand([...args, "--json"], { env });
  return { code, stderr, json: stdout === "" ? undefined : JSON.parse(stdout) };
}

const byRest = (server: RunningNexflow): Place => ({
  env: {
    NEXFLOW_HOME: "/nonexistent",
    NEXFLOW_PORT: String(server.port),
    NEXFLOW_TOKEN: server.token,
  },
});
/** Beside the running server, on its data directory. */
const byStore = (server: RunningNexflow): Place => ({
  env: { NEXFLOW_HOME: server.homeDir, NEXFLOW_PORT: String(server.port) },
});

describe.each([
  ["over a running server", byRest],
  ["on the data directory beside it", byStore],
])("nexflow user and token %s", (_name, placeOf) => {
  test("add, change, list and remove", async ({ expect, onTestFinished }) => {
    const server = await startNexflow();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const place = placeOf(server);
    const added = await run(place, "user", "add", "Ada Lovelace");
    expect(added).toMatchObject({
      code: 0,
      json: { user: { name: "Ada Lovelace", role: "member" } },
    });
    const { id } = added.json.user;
    const changed = await run(place, "user", "role", id, "operator");
    expect(changed.json.user).toMatchObject({ id, role: "operator" });
    const listed = await run(place, "user", "list");
    expect(listed.json.users.map(({ role }: { role: string }) => role).toSorted()).toEqual([
      "admin",
      "operator",
    ]);

    const made = await run(place, "token", "add", id, "--label", "laptop", "--days", "2");
    expect(made).toMatchObject({ code: 0, json: { token: { label: "laptop" } } });
    const { secret, id: tokenId } = made.json.token;
    const narrow = ["token", "add", id, "--label", "x", "--scopes", "sessions:read,skills:read"];
    const plain = await runCommand(narrow, { env: place.env });
    expect(plain.stdout).toMatch(/^[\w-]{43}\n$/u);
    const tokens = await run(place, "token", "list", id);
    expect(tokens.json.tokens).toHaveLength(2);
    expect(JSON.stringify(tokens.json)).not.toContain(secret);

    const revoke = async (token: { readonly secret: string; readonly tokenId: string }) => {
      const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, "nexflow.v1");
      await once(socket, "open");
      socket.send(JSON.stringify({ type: "hello", token: token.secret }));
      await once(socket, "message");
      const closed = once(socket, "close");
      expect(await run(place, "token", "revoke", id, token.tokenId)).toMatchObject({ code: 0 });
      const revokedAtMs = performance.now();
      expect((await closed)[0]).toBe(4401);
      return performance.now() - revokedAtMs;
    };
    const others = await Promise.all(
      ["phone", "tablet"].map((label) => run(place, "token", "add", id, "--label", label)),
    );
    const all = others.map(({ json }) => ({ secret: json.secret, tokenId: json.token.id }));
    all.push({ secret, tokenId });
    expect(await medianOf(3, () => revoke(all.shift() ?? { secret, tokenId }))).toBeLessThan(1_000);

    expect(await run(place, "user", "remove", id)).toMatchObject({ code: 0 });
    const removed = await fetch(`${server.url}/api/v1/me`, {
      headers: { authorization: `Bearer ${plain.stdout.trim()}` },
    });
    expect(removed.status).toBe(401);
    for (const args of [
      ["user", "remove", id],
      ["user", "role", id, "admin"],
      ["token", "revoke", id, tokenId],
      ["token", "add", id, "--label", "x"],
    ]) {
      expect(await run(place, ...args), args.join(" ")).toMatchObject({
        code: 1,
        json: { ok: false, error: { code: "not-found" } },
      });
    }
    const last = await run(place, "user", "remove", "admin");
    expect(last).toMatchObject({ code: 1, json: { error: { code: "last-admin" } } });
  });
});

test("nexflow user says what it cannot do", async ({ expect }) => {
  await using dir = await openTempDir();
  const place = { env: { NEXFLOW_HOME: dir.path, NEXFLOW_PORT: "1" } };
  const nothing = await run(place, "user", "list");
  expect(nothing).toMatchObject({ code: 1, json: { error: { code: "no-database" } } });
  expect((await run(place, "user", "add", " ")).code).toBe(2);
  expect((await run(place, "user", "add", "x", "--role", "root")).code).toBe(2);
  expect((await run(place, "token", "add", "x", "--label", "y", "--scopes", "all")).code).toBe(2);
  expect((await run(place, "token", "add", "x", "--label", "y", "--days", "0")).code).toBe(2);
});
