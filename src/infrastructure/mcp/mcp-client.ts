import { setTimeout as delay } from "node:timers/promises";
import {
  Client,
  type JsonSchemaValidator,
  type jsonSchemaValidator,
  StreamableHTTPClientTransport,
  type Tool,
} from "@modelcontextprotocol/client";

/** For how long a server may take to greet, and again to say what it offers. */
export const CONNECT_MS = 15_000;
/** For how long a server over HTTP may take to end its session. */
const END_MS = 1_000;
const MAX_PAGES = 16;
/** Outputs are checked where all tools' are, and a stranger's schema is never compiled. */
const NO_VALIDATOR: jsonSchemaValidator = {
  getValidator: <T>() => acceptAnything as JsonSchemaValidator<T>,
};

/** A client that offers servers nothing. */
export function createClient(): Client {
  return new Client(
    { name: "nexflow", version: "1.0.0" },
    { capabilities: {}, jsonSchemaValidator: NO_VALIDATOR, listMaxPages: MAX_PAGES },
  );
}

/** All that a server offers. How many pages there may be is bounded. */
export async function listTools(client: Client): Promise<readonly Tool[]> {
  return (await client.listTools(undefined, { timeout: CONNECT_MS })).tools;
}

/**
 * Closes a client, and has a server over HTTP end its session before: it would keep that for a
 * client that may come back. Takes a second at most, and never rejects.
 */
export async function closeClient(client: Client): Promise<void> {
  const { transport } = client;
  if (transport instanceof StreamableHTTPClientTransport) {
    const ended = transport.terminateSession().catch(() => undefined);
    await Promise.race([ended, delay(END_MS, undefined, { ref: false })]);
  }
  await client.close().catch(() => undefined);
}

function acceptAnything(input: unknown) {
  return { valid: true, data: input, errorMessage: undefined };
}
