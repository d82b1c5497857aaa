import type { AcceptMessageInput } from "#application/ports/accept-message.ts";
import type { Principal } from "#domain/user/credential.ts";
import {
  Accepted,
  Answered,
  MessageBody,
  RegenerateBody,
  SessionMessageBody,
} from "../api-schemas.ts";
import { toAgUiMessage } from "../event-frame.ts";
import type { HttpRequest } from "../http.ts";
import type { HttpReply } from "../http-reply.ts";
import { json } from "../http-reply.ts";
import { REPLAYED, RequestsInFlight, readKey } from "../idempotency.ts";
import { problem } from "../problem.ts";
import type { RateLimits } from "../rate-limits.ts";
import * as reply from "../replies.ts";
import { type Route, type RouteDocs, route } from "../route.ts";
import { toTurn } from "../to-answers.ts";
import type { GatewayDeps } from "../use-cases.ts";
import { refuseModel } from "./refuse-model.ts";

interface Sending {
  readonly request: HttpRequest;
  readonly principal: Principal;
  /** What does not exist where the message cannot be taken in. */
  readonly what: "session" | "turn";
  /** Takes the message in, under its key. */
  readonly take: (clientMessageId: string) => ReturnType<GatewayDeps["acceptMessage"]>;
}

type AcceptedMessage = Extract<
  Awaited<ReturnType<GatewayDeps["acceptMessage"]>>,
  { kind: "accepted" }
>;

const MAX_WAIT_S = 60;
const WRITE = { scope: "sessions:write", role: "member" } as const;
/** With pictures it is long, but of few values. */
const bounds = { depth: 8, values: 1_000 };
const BODY = { schema: MessageBody, example: { text: "What is 2 + 2?" }, bounds };

/** Messages for the agent. Their key is the name by which the store knows them apart. */
export function createMessageRoutes(deps: GatewayDeps, limits: RateLimits): readonly Route[] {
  const inFlight = new RequestsInFlight();
  const docs = {
    access: WRITE,
    headers: ["idempotency-key", "prefer"],
    answers: {
      200: { summary: "The turn has ended within `Prefer: wait`", schema: Answered },
      202: { summary: "It is stored and will be answered exactly once", schema: Accepted },
    },
    problems: [
      "idempotency-key-missing",
      "idempotency-key-reused",
      "overloaded",
      "request-in-progress",
    ],
  } as const satisfies Partial<RouteDocs> & { readonly access: typeof WRITE };

  return [
    route({
      ...docs,
      method: "post",
      path: "/messages",
      name: "startSession",
      summary: "Sends a message in a new session",
      body: BODY,
      answer: ({ request, principal, body }) =>
        send({ request, principal, what: "session", take: (key) => accept(principal, key, body) }),
    }),
    route({
      ...docs,
      method: "post",
      path: "/sessions/{sessionId}/messages",
      name: "sendMessage",
      summary: "Sends a message in a session",
      body: { ...BODY, schema: SessionMessageBody },
      answer: ({ request, principal, params: { sessionId }, body }) => {
        const take = (key: string) => accept(principal, key, { ...body, sessionId });
        return send({ request, principal, what: "session", take });
      },
    }),
    route({
      ...docs,
      method: "post",
      path: "/turns/{turnId}/regenerate",
      name: "regenerateTurn",
      summary: "Has the message of a turn, or another in its place, answered anew, as a branch",
      body: { schema: RegenerateBody, example: {} },
      answer: ({ request, principal, params: { turnId }, body }) => {
        const { id: userId } = principal.user;
        const choice = body.model === undefined ? "allowed" : deps.judgeModel(body.model);
        if (choice !== "allowed") return refuseModel(choice);
        const take = (clientMessageId: string) =>
          deps.regenerateTurn({ userId, turnId, clientMessageId, ...body });
        return send({ request, principal, what: "turn", take });
      },
    }),
  ];

  async function send(sending: Sending): Promise<HttpReply> {
    const { request, principal } = sending;
    const { id: userId } = principal.user;
    const read = readKey(request);
    if ("refusal" in read) return read.refusal;
    const retryAfterMs = limits.takeMessage({ userId, address: request.address });
    if (retryAfterMs !== undefined) return problem(reply.rateLimited("messages", retryAfterMs));
    return inFlight.answer({ userId, key: read.key }, () => takeIn(sending, read.key));
  }

  function accept(
    { user: { id: userId } }: Principal,
    clientMessageId: string,
    message: Pick<AcceptMessageInput, "text" | "sessionId" | "mode">,
  ) {
    return deps.acceptMessage({ userId, clientMessageId, ...message });
  }

  async function takeIn(
    { request, principal, what, take }: Sending,
    clientMessageId: string,
  ): Promise<HttpReply> {
    const result = await take(clientMessageId);
    switch (result.kind) {
      case "accepted": {
        const answered = await waitForAnswer(request, principal, result);
        if (answered === "revoked") return problem(reply.UNAUTHORIZED);
        const headers = result.duplicate ? REPLAYED : {};
        const fields = { clientMessageId, ...acceptedFields(result) };
        if (answered === undefined) return json(202, fields, headers);
        const applied = { "Preference-Applied": "wait", ...headers };
        return json(200, { ...fields, ...answered }, applied);
      }
      case "overloaded":
        return problem(reply.overloaded(result.retryAfterMs));
      case "not-found":
        return problem(reply.notFound(what));
      case "conflict":
        return problem(reply.KEY_REUSED);
      default:
        return result satisfies never;
    }
  }

  /**
   * The turn as it ended, if that was within the time the client would wait, and its credential
   * was good until then.
   */
  async function waitForAnswer(
    { headers, gone }: HttpRequest,
    principal: Principal,
    { sessionId, turnId, seq: after }: AcceptedMessage,
  ) {
    const { id: userId } = principal.user;
    const waitS = readWait(headers.prefer);
    if (waitS === 0) return undefined;
    const revoked = new AbortController();
    const unwatch = deps.watchCredential(principal, {
      onRevoked: () => revoked.abort(),
      onChanged: () => undefined,
    });
    try {
      const ends = [gone, revoked.signal, AbortSignal.timeout(waitS * 1_000)];
      await deps.waitForTurn({ userId, sessionId, turnId, after }, AbortSignal.any(ends));
      const read = await deps.readTurn({ userId, turnId });
      if (revoked.signal.aborted) return "revoked";
      if (read === undefined) return undefined;
      const turn = toTurn(read.turn);
      if (turn.endedAtMs === undefined) return undefined;
      return { turn, messages: read.messages.map(toAgUiMessage) };
    } finally {
      unwatch();
    }
  }
}

function acceptedFields({ sessionId, messageId, turnId, seq }: AcceptedMessage) {
  return { sessionId, messageId, turnId, seq };
}

/** How many seconds a client would wait for the answer (RFC 7240); what it cannot mean is 0. */
function readWait(prefer: string): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(?<seconds>\d{1,6})"?\s*(?:[,;]|$)/iu.exec(prefer);
  return Math.min(Number(seconds?.groups?.["seconds"] ?? 0), MAX_WAIT_S);
}
