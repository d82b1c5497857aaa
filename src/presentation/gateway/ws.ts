import type {
  HttpResponse,
  TemplatedApp,
  HttpRequest as UwsRequest,
  us_socket_context_t,
} from "uWebSockets.js";
import type { Logger } from "#application/ports/logger.ts";
import type { ClientAddresses } from "./client-address.ts";
import { readSessionCookie } from "./cookies.ts";
import { readHead, writeReply } from "./http.ts";
import type { Identify } from "./identify.ts";
import type { OwnAddresses } from "./origin.ts";
import { problem } from "./problem.ts";
import type { ProblemCode } from "./problem-types.ts";
import type { RateLimits } from "./rate-limits.ts";
import * as reply from "./replies.ts";
import { findForeign, nameOf } from "./router.ts";
import { CLOSE, Socket } from "./socket.ts";
import type { GatewayDeps } from "./use-cases.ts";

const SUBPROTOCOL = "nexflow.v1";
const KEEP_ALIVE_MS = 30_000;
/** Frames of up to twice what is allowed are answered by a close code, longer ones just cut. */
const MAX_RECEIVED_BYTES = 131_072;

/*
 * How much time clients are given to come back in: so that of a few hundred and more at most an
 * eighth come in any second, and of very many at most five hundred.
 */
const ARRIVAL_MS = 20;
const ENOUGH_MS = 8_000;
const LEAST_ARRIVAL_MS = 2;
const MOST_MS = 30_000;

export interface SocketsOptions {
  readonly deps: GatewayDeps;
  readonly own: OwnAddresses;
  readonly addresses: ClientAddresses;
  readonly limits: RateLimits;
  readonly identify: Identify;
  readonly log: Logger;
}

/** All WebSocket connections of one gateway. */
export interface Sockets {
  readonly count: number;
  announceShutdown(reconnectAfterMs: number): void;
  /** Closes all as for a restart. */
  close(): void;
}

interface Connection {
  readonly cookieSecret: string | undefined;
  readonly address: string;
  socket?: Socket;
}

/** Serves `/ws` of `app`; what is no upgrade goes on to the next route. */
export function serveSockets(app: TemplatedApp, options: SocketsOptions): Sockets {
  const { deps, limits, identify, log } = options;
  const sockets = new Set<Socket>();
  const keepAlive = setInterval(() => {
    for (const socket of sockets) socket.keepAlive();
  }, KEEP_ALIVE_MS);

  app.ws<Connection>("/ws", {
    maxPayloadLength: MAX_RECEIVED_BYTES,
    maxBackpressure: 1_048_576,
    closeOnBackpressureLimit: true,
    idleTimeout: 120,
    sendPingsAutomatically: true,
    upgrade: (response, request, context) => upgrade(options, { response, request, context }),
    open(ws) {
      const connection = ws.getUserData();
      const { cookieSecret, address } = connection;
      const client = { cookieSecret, address };
      connection.socket = new Socket(ws, { deps, limits, identify, log, client });
      sockets.add(connection.socket);
    },
    message: (ws, bytes, isBinary) => ws.getUserData().socket?.receive(bytes, isBinary),
    drain: (ws) => ws.getUserData().socket?.drained(),
    close(ws) {
      const { socket } = ws.getUserData();
      if (socket === undefined) return;
      socket.closed();
      sockets.delete(socket);
    },
  });

  return {
    get count() {
      return sockets.size;
    },
    announceShutdown(reconnectAfterMs) {
      for (const socket of sockets) {
        socket.announce(reply.encodeGoingAway(spread(reconnectAfterMs, sockets.size)));
      }
    },
    close() {
      clearInterval(keepAlive);
      for (const socket of sockets) socket.end(CLOSE.restarting, "The server restarts");
    },
  };
}

interface Upgrade {
  readonly response: HttpResponse;
  readonly request: UwsRequest;
  readonly context: us_socket_context_t;
}

function upgrade(
  { deps, own, addresses, limits }: SocketsOptions,
  { response, request, context }: Upgrade,
): void {
  const head = readHead(response, request, addresses);
  const { address } = head;
  const deny = (refusal: reply.Refusal<ProblemCode>) => {
    deps.noteDenied({ userId: undefined, address, asked: nameOf(head), code: refusal.code });
    writeReply(response, problem(refusal));
  };
  const foreign = findForeign(head, own);
  if (foreign !== undefined) return deny(foreign);
  const retryAfterMs = limits.takeRequest({ address });
  if (retryAfterMs !== undefined) return deny(reply.rateLimited("requests", retryAfterMs));
  const offered = request.getHeader("sec-websocket-protocol").split(",");
  if (!offered.some((name) => name.trim() === SUBPROTOCOL)) {
    const message = `Cannot open the socket: expected the subprotocol "${SUBPROTOCOL}"`;
    return writeReply(response, problem({ code: "bad-frame", message }));
  }
  response.upgrade<Connection>(
    { cookieSecret: readSessionCookie(head.headers.cookie), address },
    request.getHeader("sec-websocket-key"),
    SUBPROTOCOL,
    request.getHeader("sec-websocket-extensions"),
    context,
  );
}

/** A later moment for each client: they come back over a time that grows with their number. */
function spread(ms: number, clients: number): number {
  const fewMs = Math.min(clients * ARRIVAL_MS, ENOUGH_MS);
  const manyMs = Math.min(clients * LEAST_ARRIVAL_MS, MOST_MS);
  return Math.round(ms + Math.random() * Math.max(ms / 2, fewMs, manyMs));
}
