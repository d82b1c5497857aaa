import { StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { isLoopback } from "../settings/web-address.ts";
import type { StreamMask } from "../telemetry/secret-masker.ts";
import { createBoundedFetch } from "./bounded-fetch.ts";
import {
  type HttpServerSettings,
  isStdio,
  type McpServerSettings,
  type StdioServerSettings,
} from "./mcp-settings.ts";
import { StdioTransport } from "./stdio-transport.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A server cannot be spoken to as it is set up; the message says what was expected. */
export class McpSetUpError extends Error {
  override readonly name = "McpSetUpError";
}

export interface TransportDeps {
  /** What servers may be given, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Told what a server that is a program complains of, masked. */
  readonly onStderr: (text: string) => void;
  /** Makes the mask for what one server complains of, whatever pieces it comes in. */
  readonly createStreamMask: () => StreamMask;
}

/** A way to one server. Throws, with a message for people, where there is none as it is set up. */
export function openTransport(entry: McpServerSettings, deps: TransportDeps): Transport {
  return isStdio(entry) ? openStdio(entry, deps) : openHttp(entry, deps);
}

function openStdio(
  { command, args, cwd, env }: StdioServerSettings,
  { secrets, onStderr, createStreamMask }: TransportDeps,
): Transport {
  return new StdioTransport({
    command,
    args,
    cwd,
    env: { PATH: DEFAULT_PATH, ...resolve(env, secrets) },
    onStderr,
    stderrMask: createStreamMask(),
  });
}

function openHttp({ url, headers }: HttpServerSettings, { secrets }: TransportDeps): Transport {
  const address = new URL(url);
  if (address.protocol === "http:" && !isLoopback(address.hostname)) {
    const hasSecret = Object.values(headers).some((header) => "secret" in header);
    if (hasSecret) throw new McpSetUpError("Cannot send a secret over http: expected https");
  }
  return new StreamableHTTPClientTransport(address, {
    requestInit: { headers: resolve(headers, secrets) },
    fetch: createBoundedFetch(),
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 2,
    },
  });
}

/** The values that are given, secrets in their places. Throws where there is no such secret. */
function resolve(
  given: HttpServerSettings["headers"],
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const known = new Map(Object.entries(secrets));
  return Object.fromEntries(
    Object.entries(given).map(([name, entry]) => {
      if ("value" in entry) return [name, entry.value];
      const secret = known.get(entry.secret);
      if (secret === undefined) {
        throw new McpSetUpError(
          `Cannot use the secret "${entry.secret}": set NEXFLOW_SECRET_${entry.secret}`,
        );
      }
      return [name, ("prefix" in entry ? entry.prefix : "") + secret];
    }),
  );
}
