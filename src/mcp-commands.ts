import path from "node:path";
import type { McpServerReport } from "#application/ports/mcp-trials.ts";
import { CommandError } from "#presentation/cmd/command-error.ts";
import type { McpDeps } from "#presentation/cmd/mcp.ts";
import type { Config } from "./config.ts";

/*
 * What the commands on MCP servers do on this machine, without a server.
 */

export function createMcpCommands(config: () => Config): McpDeps {
  return { inspect: (name) => inspectMcp(config(), name) };
}

/** How the MCP servers stand; nothing of it holds a secret. */
export async function inspectMcp(
  config: Config,
  only?: string,
): Promise<readonly McpServerReport[]> {
  const { readMcpSettings } = await import("#infrastructure/mcp/mcp-settings.ts");
  const settings = await readMcpSettings(config.homeDir);
  const entries = Object.entries(settings.servers);
  const wanted = entries.filter(([name]) => only === undefined || name === only);
  if (only !== undefined && wanted.length === 0) {
    const known = entries.map(([name]) => name).join(", ");
    const expected =
      known === ""
        ? `it has none; add one to ${path.join(config.homeDir, "mcp.yaml")}, as docs/mcp.md says`
        : `expected one of ${known}`;
    throw new CommandError("no-server", `There is no server "${only}" in mcp.yaml: ${expected}`);
  }
  if (wanted.length === 0) return [];
  const [
    { describeMcpServer, inspectMcpServer },
    { openLocalStore },
    { createReportMasker, maskReport },
  ] = await Promise.all([
    import("#infrastructure/mcp/inspect-mcp.ts"),
    import("#infrastructure/store/local-store.ts"),
    import("#infrastructure/mcp/mask-report.ts"),
  ]);
  const masker = createReportMasker(settings, config.secrets);
  const store = await openLocalStore(config);
  try {
    const deps = {
      secrets: config.skillSecrets,
      masker,
      listPins: async (place: { readonly server: string; readonly accept: number }) =>
        (await store?.reader.call("listMcpPins", place)) ?? {},
    };
    const reports = await Promise.all(
      wanted.map(async ([name, entry]) => {
        const isTried = entry.enabled || only !== undefined;
        return isTried ? inspectMcpServer(name, entry, deps) : describeMcpServer(name, entry);
      }),
    );
    return reports.map((report) => maskReport(report, masker));
  } finally {
    await store?.[Symbol.asyncDispose]();
  }
}
