import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { plantSkill } from "../../support/planted-skill.ts";
import { policyText } from "../../support/policies.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { SessionClient } from "../../support/session-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "../cmd/run-command.ts";

const APPROVALS = "approvals: { read: allow, write: allow, external: deny, expiresMinutes: 60 }";

/** An entry of the log as the API gives it. */
interface Sealed {
  readonly actor: { readonly value: string };
  readonly subject: { readonly value: string };
  readonly detail: { readonly value: unknown };
}

/** Where the store is, and who closes it. */
async function openDatabase(kind: "SQLite" | "Postgres") {
  if (kind === "SQLite") return { env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  const database = await openTestDatabase();
  return {
    env: { NEXFLOW_DATABASE_URL: database.url },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

test.for(["SQLite", "Postgres"] as const)(
  "a call that a policy denies is on the audit log on %s, with the line that decided",
  async (kind, { expect }) => {
    await using database = await openDatabase(kind);
    await using dir = await openTempDir();
    const [skillsDir, policyDir] = [path.join(dir.path, "skills"), path.join(dir.path, "policies")];
    await plantSkill(skillsDir, { name: "mailer", effects: ["external"], body: "return 1;" });
    await plantSkill(skillsDir, { name: "reader", effects: ["read"], body: "return 1;" });
    await mkdir(policyDir);
    await writeFile(path.join(policyDir, "p.yaml"), policyText({ more: APPROVALS }));
    await using model = await ScriptedModel.open();
    const env = {
      ...database.env,
      NEXFLOW_SKILLS_DIR: skillsDir,
      NEXFLOW_POLICY_DIR: policyDir,
    };
    await using server = await startNexflow({ homeDir: dir.path, env: { ...env, ...model.env } });
    await using client = await ChatClient.open(server.url, server.token);
    const asked = client.ask("Send it", {});
    for (const tool of ["mailer.run", "reader.run", "nobody.run"]) {
      const answer = await model.nextAnswer();
      answer.call(tool, { to: "somebody@example.org" });
      answer.end();
    }
    const last = await model.nextAnswer();
    last.say("It may not be sent");
    last.end();
    const { sessionId, turnId } = await asked;

    const rest = new SessionClient(server);
    const list = async () => {
      const { json } = await rest.ask("GET", "/audit?action=skill-call.denied");
      return (json.entries as readonly Sealed[]).map((each) => {
        const { actor, subject, detail } = each;
        return { ...each, actor: actor.value, subject: subject.value, detail: detail.value };
      });
    };
    await expect.poll(list, { timeout: 10_000 }).toHaveLength(1);
    const me = (await rest.ask("GET", "/me")).json;
    const entry = {
      actor: me.userId,
      action: "skill-call.denied",
      subject: "tool:mailer.run",
      decision: "denied",
      policyHash: expect.stringMatching(/^[\w:]{8,}$/u),
      detail: {
        rule: expect.stringMatching(/^p\.yaml:\d+: approvals\.external$/u),
        reason: expect.stringContaining("The policy denies calls that"),
        sessionId,
        turnId,
        toolCallId: expect.any(String),
      },
    };
    expect(await list()).toMatchObject([entry]);
    // What the tool was to be given may be private.
    expect(JSON.stringify(await list())).not.toContain("somebody@example.org");
    expect(await server.stop()).toBe(0);
    const place = { env: { ...database.env, NEXFLOW_HOME: dir.path } };
    const listed = await runCommand(
      ["audit", "list", "--denied", "--action", "skill-call.denied", "--json"],
      place,
    );
    expect(JSON.parse(listed.stdout).entries).toMatchObject([entry]);
    expect(await runCommand(["audit", "verify"], place)).toMatchObject({ code: 0 });
  },
);
