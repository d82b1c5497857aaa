import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const POLICIES = fileURLToPath(new URL("../../../sandbox-policies", import.meta.url));
const SKILLS = fileURLToPath(new URL("../../fixtures/hostile-skills", import.meta.url));

test("hostile skills get typed errors in the chat, and neither it nor others notice", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const policyDir = await plantPolicies(dir.path);
  await using server = await startNexflow({
    env: {
      NEXFLOW_SKILLS_DIR: SKILLS,
      NEXFLOW_POLICY_DIR: policyDir,
      NEXFLOW_BACKGROUND_AFTER_MS: "60000",
    },
  });
  await using client = await ChatClient.open(server.url, server.token);
  await using neighbour = await ChatClient.open(server.url, server.token);
  let isOver = false;
  const neighbours = (async () => {
    for (let count = 1; !isOver; count++) {
      expect((await neighbour.ask(`/calculator ${count}+1`)).text).toBe(
        `${count}+1 = ${count + 1}`,
      );
    }
  })();

  try {
    const { sessionId } = await client.ask("/calculator 1+1");
    const codes: Record<string, unknown> = {};
    for (const skill of ["loops", "allocates", "floods", "throws", "kills"]) {
      const { events } = await client.ask(`/${skill}.run {}`, { sessionId });
      const result = events.find(({ event }) => event.type === "TOOL_CALL_RESULT");
      codes[skill] = JSON.parse(result?.event.content ?? "{}").error?.code;
      expect(events.at(-1)?.event.type).toBe("RUN_FINISHED");
    }
    expect(codes).toEqual({
      loops: expect.stringMatching(/^(?:cpu|wall)-time$/u),
      allocates: "memory",
      floods: expect.stringMatching(/^(?:output-size|memory)$/u),
      throws: "failed",
      kills: "memory",
    });
    expect((await client.ask("/calculator 2+2", { sessionId })).text).toBe("2+2 = 4");
  } finally {
    isOver = true;
    await neighbours;
  }
});

/** The shipped policies, with time enough for each skill to come to the limit that it is after. */
async function plantPolicies(home: string): Promise<string> {
  const folder = path.join(home, "policies");
  await cp(POLICIES, folder, { recursive: true });
  const file = path.join(folder, "default.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text.replace("wallMs: 5000", "wallMs: 60000").replace("cpuMs: 5000", "cpuMs: 2000"),
  );
  return folder;
}
