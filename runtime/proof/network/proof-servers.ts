import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

/** What a server of the proof was asked for, or that somebody connected to one that is forbidden. */
export type Visit =
  | {
      readonly kind: "granted";
      readonly method: string;
      readonly url: string;
      readonly head: string;
    }
  | { readonly kind: "forbidden"; readonly place: string };

/** Servers on this machine's loopback addresses. */
export interface ProofServers extends AsyncDisposable {
  /** Where the granted server is, and on another address a forbidden one. */
  readonly port: number;
  /** Where on the granted address a forbidden server is. */
  readonly otherPort: number;
  /** Since the last `clear`. */
  readonly visits: readonly Visit[];
  clear(): void;
}

const GRANTED_ADDRESS = "127.0.0.1";
const FORBIDDEN_ADDRESS = "127.0.0.2";
/** What a forbidden server says: no guest may ever read it. */
export const FORBIDDEN_TEXT = "what no guest may read";
const BOMB_BYTES = 64 * 1_048_576;
const DRIP_MS = 20;

/** Opens them. What the granted one answers: see `createAnswers`. */
export async function openProofServers(secret: string): Promise<ProofServers> {
  const visits: Visit[] = [];
  const granted = createServer(createAnswers(secret, visits));
  const other = createForbidden("another port", visits);
  const elsewhere = createForbidden("another address", visits);
  const port = await listen(granted, 0, GRANTED_ADDRESS);
  const otherPort = await listen(other, 0, GRANTED_ADDRESS);
  // Not every system has more than one loopback address: there, nobody can get there either.
  await listen(elsewhere, port, FORBIDDEN_ADDRESS).catch(() => undefined);
  const close = async () => {
    await Promise.all([granted, other, elsewhere].map(closeServer));
  };
  return {
    port,
    otherPort,
    visits,
    clear: () => void visits.splice(0),
    [Symbol.asyncDispose]: close,
  };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function createForbidden(place: string, visits: Visit[]): Server {
  const server = createServer((_request, response) => response.end(FORBIDDEN_TEXT));
  return server.on("connection", () => visits.push({ kind: "forbidden", place }));
}

/** `/v1/...` is granted by the proof's policy, all else is not. */
function createAnswers(secret: string, visits: Visit[]): RequestListener {
  return (request, response) => {
    const { method = "", url = "" } = request;
    visits.push({ kind: "granted", method, url, head: JSON.stringify(request.rawHeaders) });
    const { pathname, searchParams } = new URL(url, "http://proof");
    switch (pathname) {
      case "/v1/hello":
        return response.end("hello");
      case "/v1/redirect":
        return response.writeHead(302, { location: searchParams.get("to") ?? "" }).end();
      case "/v1/bomb":
        return response.writeHead(200, { "content-encoding": "gzip" }).end(makeBomb());
      case "/v1/endless":
        return writeWithoutEnd((text) => response.write(text), response);
      case "/v1/slow":
        return writeWithoutEnd((text) => response.write(text.slice(0, 1)), response);
      case "/v1/secret":
        return response
          .writeHead(200, { "x-secret": searchParams.has("header") ? secret : "none" })
          .end(searchParams.has("header") ? "" : disguise(secret, searchParams.get("as") ?? ""));
      default:
        return response.end(FORBIDDEN_TEXT);
    }
  };
}

function makeBomb(): Buffer {
  return gzipSync(Buffer.alloc(BOMB_BYTES), { level: 1 });
}

function writeWithoutEnd(
  write: (text: string) => void,
  response: { once(event: "close", listener: () => void): unknown },
): void {
  const timer = setInterval(() => write("x".repeat(16_384)), DRIP_MS);
  response.once("close", () => clearInterval(timer));
}

/** The secret as a server may write it that wants the guest to read it. */
function disguise(secret: string, as: string): string {
  const bytes = Buffer.from(secret);
  switch (as) {
    case "base64":
      return `say ${Buffer.from(`x${secret}`).toString("base64")}`;
    case "base64url":
      return bytes.toString("base64url");
    case "hex":
      return bytes.toString("hex");
    case "percent":
      return [...bytes].map((each) => `%${each.toString(16)}`).join("");
    default:
      return `the secret is ${secret}.`;
  }
}
