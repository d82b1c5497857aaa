import type {
  IdempotencyKeys,
  KeyedAnswer,
  KeyedRequest,
  KeyedWork,
} from "#application/ports/idempotency-keys.ts";
import { newId } from "#infrastructure/ids/ids.ts";

interface Taken {
  readonly fingerprint: string;
  readonly work: KeyedWork;
  heldAtMs: number | undefined;
  answer?: KeyedAnswer;
}

const HELD_MS = 60_000;

/** Idempotency keys in plain memory. */
export function openMemoryIdempotencyKeys(nowMs: () => number): IdempotencyKeys {
  const taken = new Map<string, Taken>();
  const nameOf = ({ userId, keyHash }: KeyedRequest) => `${userId} ${keyHash}`;

  return {
    async begin(request) {
      const found = taken.get(nameOf(request));
      if (found === undefined) {
        const work = { id: newId(), begunAtMs: nowMs() };
        const { fingerprint } = request;
        taken.set(nameOf(request), { fingerprint, work, heldAtMs: nowMs() });
        return { kind: "begun", work };
      }
      if (found.fingerprint !== request.fingerprint) return { kind: "other-request" };
      if (found.answer !== undefined) return { kind: "finished", answer: found.answer };
      const isHeld = found.heldAtMs !== undefined && nowMs() - found.heldAtMs < HELD_MS;
      if (isHeld) return { kind: "in-progress" };
      found.heldAtMs = nowMs();
      return { kind: "begun", work: found.work };
    },
    async finish(request, answer) {
      const found = taken.get(nameOf(request));
      if (found !== undefined) found.answer = answer;
    },
    async release(request) {
      if (taken.get(nameOf(request))?.answer === undefined) taken.delete(nameOf(request));
    },
  };
}
