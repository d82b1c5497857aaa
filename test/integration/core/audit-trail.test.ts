import { test } from "vitest";
import { startNexflow } from "../../support/start-nexflow.ts";
import { runCommand } from "../cmd/run-command.ts";

interface Listed {
  readonly actor: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly detail: { readonly repeated?: number } | null;
}

test("what is refused and changed is on the audit log, and who is deleted is erased from it", async ({
  expect,
}) => {
  await using server = await startNexflow();
  const ask = async (method: string, path: string, token: string, body?: object) => {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? {} : (JSON.parse(text) as Answer) };
  };
  const admin = server.token;
  const user = await ask("POST", "/users", admin, { name: "Robert", role: "member" });
  const userId = user.json.id ?? "";
  const made = await ask("POST", `/users/${userId}/tokens`, admin, { label: "laptop" });
  const secret = made.json.secret ?? "";
  expect((await ask("GET", "/users", secret)).status).toBe(403);
  expect((await ask("DELETE", `/users/${userId}`, admin)).status).toBe(204);
  for (let attempt = 0; attempt < 30; attempt++) await ask("GET", "/me", `wrong-${attempt}`);
  expect(await server.stop()).toBe(0);

  const env = { NEXFLOW_HOME: server.homeDir };
  const listed = await runCommand(["audit", "list", "--json"], { env });
  const { entries } = JSON.parse(listed.stdout) as { entries: readonly Listed[] };
  const actions = entries.map(({ action }) => action).toReversed();
  expect(actions).toEqual(
    expect.arrayContaining([
      "server.started",
      "sign-in.failed",
      "limit.hit",
      "user.created",
      "token.created",
      "access.denied",
      "user.removed",
      "server.stopped",
    ]),
  );
  const refused = entries.filter(({ action }) => /^(?:sign-in\.failed|limit\.hit)$/u.test(action));
  expect(refused.length).toBeLessThanOrEqual(4);
  const counted = refused.reduce((sum, { detail }) => sum + (detail?.repeated ?? 1), 0);
  expect(counted).toBe(30);
  expect(entries.find(({ action }) => action === "access.denied")).toMatchObject({
    actor: null,
    subject: null,
    detail: null,
  });
  expect(listed.stdout).not.toContain("Robert");
  const verified = await runCommand(["audit", "verify"], { env });
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Intact: \d+ entries, \d with something erased/u) as string,
  });
});

test("credentials of the administrator, logins and local schedules are on it, each once", async ({
  expect,
}) => {
  await using server = await startNexflow();
  const env = { NEXFLOW_HOME: server.homeDir, NEXFLOW_PORT: "1" };
  const login = await runCommand(["login"], { env });
  const token = login.stdout.trim().split("#token=")[1] ?? "";
  const opened = await fetch(`${server.url}/api/v1/login`, {
    method: "POST",
    body: JSON.stringify({ token }),
  });
  expect(opened.status).toBe(204);
  await server.stop();
  // The same token of the environment is no new one.
  await using again = await startNexflow({ homeDir: server.homeDir });
  await again.stop();
  const added = await runCommand(["schedule", "add", "--every", "1h", "--message", "hi"], {
    env,
  });
  expect(added.code).toBe(0);
  const listed = await runCommand(["audit", "list", "--json"], { env });
  const { entries } = JSON.parse(listed.stdout) as { entries: readonly Listed[] };
  const wanted = /^(?:token\.created|session\.opened|schedule\.created)$/u;
  const found = entries.filter(({ action }) => wanted.test(action)).toReversed();
  expect(found).toMatchObject([
    { actor: "system", action: "token.created", subject: "user:admin", detail: { kind: "token" } },
    { actor: "system", action: "token.created", subject: "user:admin", detail: { kind: "link" } },
    { actor: "admin", action: "session.opened", subject: "user:admin" },
    { actor: "admin", action: "schedule.created" },
  ]);
});

interface Answer {
  readonly id?: string;
  readonly secret?: string;
}
