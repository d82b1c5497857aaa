import { SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import type { MaskText } from "../telemetry/secret-masker.ts";
import { CONNECT_MS } from "./mcp-client.ts";
import {
  type HttpServerSettings,
  isStdio,
  type McpServerSettings,
  type StdioServerSettings,
} from "./mcp-settings.ts";
import { McpSetUpError } from "./open-transport.ts";

const MAX_SAID_CHARS = 200;
const PATIENCE = `within ${CONNECT_MS / 1_000} s`;

export interface FailureFacts {
  /** What it complained of on its standard error, masked. */
  readonly said: string;
  readonly mask: MaskText;
}

/** Why a server could not be connected to, in one sentence for people. */
export function tellFailure(
  error: unknown,
  entry: McpServerSettings,
  { said, mask }: FailureFacts,
): string {
  if (error instanceof McpSetUpError) return mask(error.message);
  const told = (text: string) => lastLine(mask(text));
  return mask(
    isStdio(entry) ? tellProgram(error, entry, { said, told }) : tellAddress(error, entry, told),
  );
}

function tellProgram(
  error: unknown,
  { command, cwd }: StdioServerSettings,
  { said, told }: { readonly said: string; readonly told: MaskText },
): string {
  const [, code] = /^Cannot start the server: spawn .* ([A-Z]+)$/mu.exec(said) ?? [];
  if (code === "ENOENT") return `There is no program "${command}" in its PATH`;
  if (code !== undefined) return `The program "${command}" cannot be started (${code})`;
  if (codeOf(error) === "ENOENT" && cwd !== undefined) return `There is no folder "${cwd}" (cwd)`;
  const complaint = told(said);
  const last = complaint === "" ? "" : `; the last it said was: ${complaint}`;
  if (isSdkError(error, SdkErrorCode.RequestTimeout)) {
    return `The program "${command}" did not answer ${PATIENCE}${last}`;
  }
  if (isSdkError(error, SdkErrorCode.ConnectionClosed) || !(error instanceof SdkError)) {
    return `The program "${command}" ended before it had answered${last}`;
  }
  return `The program "${command}" does not answer as an MCP server does: ${told(error.message)}`;
}

function tellAddress(error: unknown, { url }: HttpServerSettings, told: MaskText): string {
  const { host, hostname } = new URL(url);
  const status = statusOf(error);
  if (status === 401 || status === 403) {
    return `The server at ${host} refuses what "headers" show it (status ${status})`;
  }
  if (status === 404 || status === 405) {
    return `There is no MCP server at this address of ${host} (status ${status})`;
  }
  if (status !== undefined) return `The server at ${host} answers with status ${status}`;
  if (isSdkError(error, SdkErrorCode.RequestTimeout)) {
    return `The server at ${host} did not answer ${PATIENCE}`;
  }
  const code = codeOf(error) ?? "";
  if (code === "ECONNREFUSED") return `Nobody listens at ${host}`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `There is no host "${hostname}"`;
  if (/CERT|SELF_SIGNED|SSL|TLS/u.test(code)) {
    return `The certificate of ${host} cannot be trusted (${code})`;
  }
  if (code !== "") return `The server at ${host} cannot be reached (${code})`;
  const last = causesOf(error).at(-1);
  if (causesOf(error).some((each) => each instanceof TypeError)) {
    return `The server at ${host} cannot be reached: ${told(last?.message ?? "")}`;
  }
  const message = last === undefined ? "" : `: ${told(last.message)}`;
  return `What answers at ${host} does not answer as an MCP server does${message}`;
}

function isSdkError(error: unknown, code: SdkErrorCode): boolean {
  return causesOf(error).some((each) => each instanceof SdkError && each.code === code);
}

function statusOf(error: unknown): number | undefined {
  const found = causesOf(error).find((each) => each instanceof SdkHttpError);
  return found instanceof SdkHttpError ? found.status : undefined;
}

/** What the system said, in the error or in what caused it. */
function codeOf(error: unknown): string | undefined {
  const codes = causesOf(error)
    .filter((each) => !(each instanceof SdkError))
    .map((each) => ("code" in each ? String(each.code) : ""));
  return codes.findLast((code) => code !== "");
}

const MAX_CAUSES = 8;

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let each = error; each instanceof Error && causes.length < MAX_CAUSES; each = each.cause) {
    causes.push(each);
    if (each instanceof AggregateError && each.errors[0] instanceof Error)
      causes.push(each.errors[0]);
  }
  return causes;
}

function lastLine(text: string): string {
  return (text.trim().split("\n").at(-1) ?? "").trim().slice(0, MAX_SAID_CHARS);
}
