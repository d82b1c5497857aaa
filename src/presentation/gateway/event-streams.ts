import type { HttpResponse } from "uWebSockets.js";
import type { FrameSink } from "#application/follow-session/session-hub.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { SessionId, UserId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import type { StreamReply } from "./http-reply.ts";
import * as reply from "./replies.ts";
import { EventStream } from "./sse.ts";
import type { GatewayDeps } from "./use-cases.ts";

export interface EventStreamsOptions {
  readonly deps: Pick<GatewayDeps, "followSession" | "watchCredential">;
  readonly log: Logger;
}

export interface FollowRequest {
  readonly principal: Principal;
  /** Whose session it is. */
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly after: number;
  readonly epoch?: number | undefined;
}

/** A stream that is open. */
export interface LiveStream {
  announce(reconnectAfterMs: number): void;
  end(): void;
  refuse(refusal: reply.Refusal): void;
  closed(): void;
}

/** What a stream tells whoever keeps all of them. */
export interface StreamHooks {
  readonly onClosed: () => void;
  readonly onSlow: () => void;
  readonly onFailed: (error: unknown) => void;
}

/** All streams of server-sent events of one gateway. */
export interface EventStreams {
  readonly count: number;
  /** The answer that is a stream of its own kind; nothing where its user has too many open. */
  admit(
    principal: Principal,
    begin: (response: HttpResponse, hooks: StreamHooks) => LiveStream,
    /** Nobody was there any more to take it. */
    dropped?: () => void,
  ): StreamReply | undefined;
  /** The answer that shows the session's events; nothing where its user has too many open. */
  open(input: FollowRequest): StreamReply | undefined;
  announceShutdown(reconnectAfterMs: number): void;
  /** Ends all as for a restart. */
  close(): void;
}

const MAX_STREAMS_PER_USER = 256;
const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  // Proxies of nginx's kind would hold events back.
  "X-Accel-Buffering": "no",
};

export function createEventStreams({ deps, log }: EventStreamsOptions): EventStreams {
  const streams = new Set<LiveStream>();
  const perUser = new Map<UserId, number>();

  return {
    get count() {
      return streams.size;
    },
    admit,
    open({ principal, ...from }) {
      return admit(principal, (response, hooks) => {
        const follow = async (sink: FrameSink) => {
          const result = await deps.followSession(from, sink);
          return result.kind === "following" ? () => result.stop() : undefined;
        };
        return new EventStream(response, { ...hooks, follow });
      });
    },
    announceShutdown(reconnectAfterMs) {
      for (const stream of streams) stream.announce(reconnectAfterMs);
    },
    close() {
      for (const stream of streams) stream.end();
    },
  };

  function admit(
    principal: Principal,
    begin: (response: HttpResponse, hooks: StreamHooks) => LiveStream,
    dropped: () => void = () => undefined,
  ): StreamReply | undefined {
    const { id: userId } = principal.user;
    if ((perUser.get(userId) ?? 0) >= MAX_STREAMS_PER_USER) return undefined;
    // From here on it counts: many may be let in before the first begins.
    count(userId, 1);
    return {
      status: 200,
      headers: HEADERS,
      stream: (response) => start(principal, (hooks) => begin(response, hooks)),
      dropped() {
        count(userId, -1);
        dropped();
      },
    };
  }

  function start(principal: Principal, begin: (hooks: StreamHooks) => LiveStream): LiveStream {
    let unwatch: (() => void) | undefined;
    const stream = begin({
      onClosed() {
        streams.delete(stream);
        count(principal.user.id, -1);
        unwatch?.();
      },
      onSlow: () => log.warn({}, "a client read its events too slowly and was disconnected"),
      onFailed: (error) => log.error({ error }, "A stream of events failed"),
    });
    streams.add(stream);
    unwatch = deps.watchCredential(principal, {
      onRevoked: () => stream.refuse(reply.UNAUTHORIZED),
      onChanged: () => undefined,
    });
    return stream;
  }

  function count(userId: UserId, change: 1 | -1): void {
    const left = (perUser.get(userId) ?? 0) + change;
    if (left === 0) perUser.delete(userId);
    else perUser.set(userId, left);
  }
}
