import type { TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { App, us_listen_socket_close, us_socket_local_port } from "uWebSockets.js";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#application/ports/logger.ts";
import { Fault } from "#domain/shared/fault.ts";
import { createClientAddresses } from "./client-address.ts";
import { createEventStreams } from "./event-streams.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import { serveHttp } from "./http.ts";
import { createIdentify } from "./identify.ts";
import { OPENAI_BASE, shapeRefusal } from "./openai/openai-error.ts";
import { createOpenAiRoutes } from "./openai/openai-routes.ts";
import { MAX_OPENAI_BODY_BYTES } from "./openai/request-parts.ts";
import { createOwnAddresses } from "./origin.ts";
import { createRateLimits, DEFAULT_RATE_LIMITS, type RateLimitOptions } from "./rate-limits.ts";
import { API_BASE, createRoutes } from "./rest.ts";
import { createRouter } from "./router.ts";
import { loadStaticFiles } from "./static-files.ts";
import { TokenBuckets } from "./token-buckets.ts";
import type { GatewayDeps } from "./use-cases.ts";
import { serveSockets } from "./ws.ts";

export interface GatewayOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The address people use, where it differs from host and port. */
  readonly publicUrl?: string;
  /** Where the built web page lies. */
  readonly webDir: string;
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[];
  readonly rateLimits?: RateLimitOptions;
  readonly log: Logger;
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  /** Open connections by kind. */
  readonly counts: Readonly<Record<"event-stream" | "websocket", number>>;
  /** Tells every client to come back after about so long. */
  announceShutdown(reconnectAfterMs: number): void;
  /** Stops listening, closes every socket (1012) and cuts what is left. May be called twice. */
  close(): Promise<void>;
}

const MAX_DENIALS_NOTED = 60;
/** Closed sockets get so long to read their last frames. */
const CLOSE_GRACE_MS = 100;
/** Two servers on one port would take turns; uWebSockets.js allows that unless told otherwise. */
const EXCLUSIVE_PORT = 1;

/**
 * Listens and serves: the page, the REST API and WebSockets. Rejects with `Fault`
 * (`CONFIG_INVALID`) where the address cannot be had.
 */
export async function openGateway(
  useCases: GatewayDeps,
  options: GatewayOptions,
): Promise<Gateway> {
  const deps = { ...useCases, noteDenied: boundDenials(useCases) };
  const { host, publicUrl, webDir, log } = options;
  const { trustedProxies = [], rateLimits = DEFAULT_RATE_LIMITS } = options;
  const addresses = createClientAddresses(trustedProxies);
  const limits = createRateLimits(rateLimits, () => performance.now());
  const identify = createIdentify(deps, limits);
  const files = await loadStaticFiles(webDir);
  const app = App();
  const listener = await listen(app, options);
  const port = us_socket_local_port(listener);
  const own = createOwnAddresses({ host, port, publicUrl });
  const sockets = serveSockets(app, { deps, own, addresses, limits, identify, log });
  const streams = createEventStreams({ deps, log });
  const tables = [
    { base: API_BASE, routes: createRoutes({ deps, limits, streams }) },
    { base: OPENAI_BASE, routes: createOpenAiRoutes({ deps, limits, streams }) },
  ];
  const handle = createRouter({ deps, own, tables, files, limits, identify });
  serveHttp(app, { handle, maxBodyBytes, shape: shapeRefusal, addresses, log });

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  return {
    port,
    get counts() {
      return { websocket: sockets.count, "event-stream": streams.count };
    },
    announceShutdown(reconnectAfterMs) {
      sockets.announceShutdown(reconnectAfterMs);
      streams.announceShutdown(reconnectAfterMs);
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function closeAll(): Promise<void> {
    us_listen_socket_close(listener);
    const hadSockets = sockets.count + streams.count > 0;
    sockets.close();
    streams.close();
    if (hadSockets) await delay(CLOSE_GRACE_MS);
    app.close();
  }
}

/** Messages may bring pictures along. */
const WITH_IMAGES = /^\/api\/v1(?:\/sessions\/[^/]*)?\/messages$/u;

function maxBodyBytes(path: string): number {
  const isLong = path.startsWith(`${OPENAI_BASE}/`) || WITH_IMAGES.test(path);
  return isLong ? MAX_OPENAI_BODY_BYTES : MAX_FRAME_BYTES;
}

/** Nobody fills the record by being turned away: of each, so many a minute are noted. */
function boundDenials({ noteDenied }: Pick<GatewayDeps, "noteDenied">): GatewayDeps["noteDenied"] {
  const noted = new TokenBuckets({ perMinute: MAX_DENIALS_NOTED, maxKeys: 1_000 });
  return (denial) => {
    const isOneTooMany = noted.take(denial.userId ?? denial.address, performance.now());
    if (isOneTooMany === undefined) noteDenied(denial);
  };
}

async function listen(
  app: TemplatedApp,
  { host, port }: GatewayOptions,
): Promise<us_listen_socket> {
  const listener = await new Promise<us_listen_socket | false>((resolve) => {
    // @ts-expect-error -- the types miss the overload (host, port, options, callback)
    app.listen(host, port, EXCLUSIVE_PORT, resolve);
  });
  if (listener !== false) return listener;
  throw new Fault(
    "CONFIG_INVALID",
    `Cannot listen on "${host}" port ${port}: it is taken or not this machine's, expected a free one`,
  );
}
