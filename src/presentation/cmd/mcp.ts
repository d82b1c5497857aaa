import type { Command } from "commander";
import type { McpPin, McpServerReport, McpToolReport } from "#application/ports/mcp-trials.ts";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

export interface McpDeps {
  /** Tries all servers that are enabled; of one that is named also where it is not. */
  readonly inspect: (name?: string) => Promise<readonly McpServerReport[]>;
}

/** Adds `mcp`: which MCP servers there are, how they stand, and what they offer. */
export function addMcpCommand(program: Command, deps: McpDeps): void {
  const mcp = program.command("mcp").description("the MCP servers whose tools the agent may use");

  mcp
    .command("list")
    .description("connect to each server of mcp.yaml and tell how it stands and what it offers")
    .action(async (_options: unknown, command: Command) => {
      const servers = await deps.inspect();
      print(isJson(command), { servers }, () =>
        servers.length === 0 ? "No servers in mcp.yaml" : servers.map(toText).join("\n\n"),
      );
    });
  mcp
    .command("test")
    .description("connect to one server, ask what it offers, and tell what is wrong")
    .argument("<server>", "its name in mcp.yaml")
    .action(async (name: string, _options: unknown, command: Command) => {
      const [server] = await deps.inspect(name);
      if (server === undefined) throw new CommandError("no-server", `There is no server "${name}"`);
      print(isJson(command), server, () => toText(server));
      if (server.state.kind === "failed") process.exitCode = EXIT.failed;
    });
}

function toText(server: McpServerReport): string {
  const { name, kind, target, tools, leftOut } = server;
  const lines = [
    `${name} (${kind}, ${target}): ${toStateText(server)}`,
    ...(tools.length === 0 ? [] : [toTable(tools.map(toRow))]),
    ...leftOut.map((each) => `  ${each.name}: left out: ${each.reason}`),
    ...(tools.some(isOther) ? [ACCEPT_HINT] : []),
  ];
  return toPlainText(lines.join("\n"));
}

const ACCEPT_HINT =
  '  What has changed or is new since the server was first seen is not used; raise "accept" in mcp.yaml to take it.';

function isOther({ pin }: McpToolReport): boolean {
  return pin === "changed" || pin === "new";
}

function toStateText({ state, tools, isEnabled }: McpServerReport): string {
  const note = isEnabled ? "" : ", disabled in mcp.yaml";
  switch (state.kind) {
    case "connected": {
      const count = tools.length === 1 ? "1 tool" : `${tools.length} tools`;
      return `connected in ${state.ms} ms, ${count}${note}`;
    }
    case "failed":
      return `failed${note}: ${state.message}`;
    case "not-tried":
      return `not tried${note}`;
    default:
      return state satisfies never;
  }
}

const PIN_TEXTS: Readonly<Record<McpPin, string>> = {
  same: "as first seen",
  changed: "changed",
  new: "new",
  unseen: "not seen yet",
};

function toRow({ name, description, effects, decision, pin }: McpToolReport): readonly string[] {
  const [line = ""] = description.split("\n");
  return [`  ${name}`, effects.join(", "), decision, PIN_TEXTS[pin], line.slice(0, 80)];
}
