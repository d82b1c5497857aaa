import type { McpServerReport } from "#application/ports/mcp-trials.ts";
import { isSecretInLogs, SecretMasker } from "../telemetry/secret-masker.ts";
import type { McpSettings } from "./mcp-settings.ts";
import { secretsIn } from "./plain-secrets.ts";

/** Finds the secrets that servers are given, by name or as they stand there. */
export function createReportMasker(
  settings: McpSettings,
  secrets: readonly string[],
): SecretMasker {
  return new SecretMasker(isSecretInLogs, [...secrets, ...secretsIn(settings)]);
}

/** The same report without the secrets that were given: a server may say what it was shown. */
export function maskReport(report: McpServerReport, masker: SecretMasker): McpServerReport {
  const mask = (text: string) => masker.mask(text);
  const { state } = report;
  return {
    ...report,
    target: mask(report.target),
    state: state.kind === "failed" ? { ...state, message: mask(state.message) } : state,
    tools: report.tools.map((tool) => ({
      ...tool,
      name: mask(tool.name),
      description: mask(tool.description),
    })),
    leftOut: report.leftOut.map(({ name, reason }) => ({ name: mask(name), reason: mask(reason) })),
  };
}
