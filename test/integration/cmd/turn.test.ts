import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

test("nexflow turn show tells of a turn on a running server, and on the store after it", async ({
  expect,
}) => {
  await using home = await openTempDir();
  await using server = await startNexflow({ homeDir: home.path });
  await using client = await ChatClient.open(server.url, server.token);
  const { turnId } = await client.ask("/calculator 2+2*3");
  const env = {
    NEXFLOW_HOME: home.path,
    NEXFLOW_PORT: String(server.port),
    NEXFLOW_ADMIN_TOKEN: server.token,
  };
  const show = (...args: readonly string[]) => runCommand(["turn", "show", ...args], { env });
  const shown = await show(turnId, "--json");
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  const timeline = JSON.parse(shown.stdout) as object;
  expect(timeline).toMatchObject({
    turn: { id: turnId, state: "completed" },
    totals: { toolCalls: 1, ms: expect.any(Number) },
  });
  expect((await show(turnId)).stdout).toMatch(/^Turn .* completed\n.*calculator\.evaluate/su);

  await server.kill();
  expect(JSON.parse((await show(turnId, "--json")).stdout)).toEqual(timeline);
  const none = await show("no-such-turn");
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toContain('Cannot find turn "no-such-turn"');
});
