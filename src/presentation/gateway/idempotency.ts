import { createHash } from "node:crypto";
import type { IdempotencyKeys, KeyedWork } from "#application/ports/idempotency-keys.ts";
import type { UserId } from "#domain/shared/id.ts";
import { ClientMessageId } from "./frames.ts";
import type { HttpRequest } from "./http.ts";
import type { HttpReply } from "./http-reply.ts";
import { problem } from "./problem.ts";
import * as reply from "./replies.ts";
import { badRequest } from "./route.ts";

/** Marks an answer that was given before. */
export const REPLAYED = { "Idempotent-Replayed": "true" };

/**
 * The key of a request, which must have one, or why it cannot be taken. As the draft of the IETF
 * has it the key stands in quotes; without them it is taken too.
 */
export function readKey({ headers }: HttpRequest): { key: string } | { refusal: HttpReply } {
  const given = headers["idempotency-key"].trim();
  if (given === "") return { refusal: problem(reply.KEY_MISSING) };
  const parsed = ClientMessageId.safeParse(
    /^"(?<bare>.*)"$/u.exec(given)?.groups?.["bare"] ?? given,
  );
  if (parsed.success) return { key: parsed.data };
  const expected = parsed.error.issues[0]?.message ?? "a key";
  return {
    refusal: badRequest("header", `"Idempotency-Key" is wrong, expected ${expected}`),
  };
}

export interface KeyedCall {
  readonly keys: IdempotencyKeys;
  readonly userId: UserId;
  readonly request: HttpRequest;
  /** The body as it was read. */
  readonly body: unknown;
}

/**
 * Answers a request once: the same one again gets the same answer, and does nothing. What was
 * refused may be asked again under the same key.
 */
export async function answerOnce(
  { keys, userId, request, body }: KeyedCall,
  answer: (work: KeyedWork) => Promise<HttpReply>,
): Promise<HttpReply> {
  const read = readKey(request);
  if ("refusal" in read) return read.refusal;
  const fingerprint = sha256(JSON.stringify([request.method, request.path, body]));
  const keyed = { userId, keyHash: sha256(read.key), fingerprint };
  const begun = await keys.begin(keyed);
  switch (begun.kind) {
    case "begun":
      return finish(begun.work);
    case "finished": {
      const { status, body: text } = begun.answer;
      const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
      return { status, headers: { ...headers, ...REPLAYED }, body: text };
    }
    case "in-progress":
      return problem(reply.IN_PROGRESS);
    case "other-request":
      return problem(reply.KEY_REUSED);
    default:
      return begun satisfies never;
  }

  async function finish(work: KeyedWork): Promise<HttpReply> {
    let given: HttpReply | undefined;
    try {
      given = await answer(work);
      return given;
    } finally {
      // What failed may have been done all the same: then the key stays taken for a while.
      if (given !== undefined && given.status >= 300) await keys.release(keyed);
      else if (given !== undefined) {
        await keys.finish(keyed, { status: given.status, body: String(given.body ?? "") });
      }
    }
  }
}

/** One request of each key at a time, in this instance. */
export class RequestsInFlight {
  readonly #keys = new Set<string>();

  async answer(
    { userId, key }: { readonly userId: UserId; readonly key: string },
    answer: () => Promise<HttpReply>,
  ): Promise<HttpReply> {
    const name = `${userId} ${key}`;
    if (this.#keys.has(name)) return problem(reply.IN_PROGRESS);
    this.#keys.add(name);
    try {
      return await answer();
    } finally {
      this.#keys.delete(name);
    }
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
