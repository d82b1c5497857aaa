import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { callbackify } from "node:util";
import type { buildConnector } from "undici";
import { toCanonicalAddress } from "./address-check.ts";
import type { HttpTarget } from "./http-target.ts";

export interface PinnedConnectorOptions {
  readonly target: HttpTarget;
  /** The addresses that were checked. No other is connected to, whatever a name says by now. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * How undici connects: to a checked address, checked again once connected, with TLS for the host's
 * name. No proxy, no address from anywhere else, no session of an earlier connection.
 */
export function createPinnedConnector(options: PinnedConnectorOptions): buildConnector.connector {
  const connect = callbackify(() => connectPinned(options));
  return (_asked, callback) => {
    connect((error, socket) => (error === null ? callback(null, socket) : callback(error, null)));
  };
}

async function connectPinned({
  target,
  addresses,
  signal,
}: PinnedConnectorOptions): Promise<Socket> {
  const [first = ""] = addresses;
  const isLiteral = toCanonicalAddress(bare(target.host)) === first;
  const socket = connectTcp({
    host: isLiteral ? first : target.host,
    port: target.port,
    // Not called for an address: what is dialled then is the checked spelling of it.
    lookup: pinnedLookup(addresses),
    autoSelectFamily: true,
    noDelay: true,
    signal,
  });
  await settled(socket, "connect");
  const connected = toCanonicalAddress(socket.remoteAddress ?? "");
  if (connected === undefined || !addresses.includes(connected)) {
    socket.destroy();
    throw new Error("Cannot connect: the address is not one that was checked");
  }
  return target.scheme === "https" ? secure(socket, target) : socket;
}

async function secure(socket: Socket, { host }: HttpTarget): Promise<Socket> {
  const name = bare(host);
  const secured = connectTls({
    socket,
    host: name,
    servername: isIP(name) === 0 ? name : "",
    ALPNProtocols: ["http/1.1"],
    // Said here because an environment variable changes what holds when nothing is said.
    rejectUnauthorized: true,
  });
  await settled(secured, "secureConnect");
  return secured;
}

/** Waits for `event`; whatever else happens to the socket first destroys it and rejects. */
async function settled(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const close = () => reject(new Error("Cannot connect: the connection was closed"));
  socket.once(event, resolve).once("error", reject).once("close", close);
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off(event, resolve).off("error", reject).off("close", close);
    // Between two owners a socket may fail: the next one sees that it is destroyed.
    socket.on("error", () => undefined);
  }
}

function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all }, callback) => {
    const [first = { address: "", family: 0 }] = found;
    if (all === true) callback(null, found);
    else callback(null, first.address, first.family);
  };
}

function bare(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
