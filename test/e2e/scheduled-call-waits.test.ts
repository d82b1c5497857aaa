import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { plantSkill } from "../support/planted-skill.ts";
import { policyText } from "../support/policies.ts";
import { SessionClient } from "../support/session-client.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

test("a scheduled call that no sandbox process was free for is made later", async ({ expect }) => {
  await using dir = await openTempDir();
  const skillsDir = path.join(dir.path, "skills");
  const policyDir = path.join(dir.path, "policies");
  await plantSkill(skillsDir, { name: "looper", effects: ["read"], body: "for (;;);" });
  await plantSkill(skillsDir, { name: "sender", effects: ["write"], body: 'return "sent";' });
  await mkdir(policyDir);
  const limits = { wallMs: 60_000, cpuMs: 60_000, queueMs: 200 };
  await writeFile(path.join(policyDir, "p.yaml"), policyText(limits));
  await using server = await startNexflow({
    env: {
      NEXFLOW_SKILLS_DIR: skillsDir,
      NEXFLOW_POLICY_DIR: policyDir,
      NEXFLOW_AGENT_THREADS: "1",
      NEXFLOW_SANDBOX_PROCESSES: "1",
    },
  });
  const user = new SessionClient(server);
  const fire = async (skill: string) => {
    const { json: schedule } = await user.ask("POST", "/schedules", {
      name: skill,
      when: { kind: "every", everyMs: 86_400_000 },
      action: { kind: "tool-call", skill, tool: "run", input: {} },
    });
    expect((await user.ask("POST", `/schedules/${schedule.id}/run`)).status).toBe(202);
    return async () =>
      (await user.ask("GET", `/schedules/${schedule.id}/firings`)).json.firings[0]?.state;
  };
  const looper = await fire("looper");
  await expect.poll(looper).toBe("running");
  const sender = await fire("sender");
  await expect.poll(() => server.output()).toContain("No sandbox process became free in time");
  await expect.poll(sender).toBe("waiting");
  const tasks = async () => (await user.ask("GET", "/tasks")).json.tasks;
  const busy = (await tasks()).find(({ skill }: { readonly skill: string }) => skill === "looper");
  expect((await user.ask("POST", `/tasks/${busy.id}/cancel`)).status).toBe(202);
  await expect.poll(sender, { timeout: 30_000 }).toBe("done");
  expect(await tasks()).toMatchObject([
    { skill: "sender", state: "completed", output: "sent" },
    { skill: "looper", state: "cancelled" },
  ]);
});
