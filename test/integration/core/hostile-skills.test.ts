import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";

const SKILLS = fileURLToPath(new URL("../../fixtures/hostile-skills", import.meta.url));

test("hostile skills get typed errors in the chat, and neither it nor others notice", async ({
  expect,
}) => {
  await using server = await startNexflow({ env: { NEXFLOW_SKILLS_DIR: SKILLS } });
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
  isOver = true;
  await neighbours;
});
