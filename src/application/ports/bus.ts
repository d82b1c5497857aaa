import { z } from "zod";
import { parseSessionId, parseTaskId, parseTurnId } from "#domain/shared/id.ts";
import type { LiveFrame } from "./live-frame.ts";

/**
 * Tells the other instances what they had better know at once. Nothing may depend on it: a message
 * may be lost, late or doubled, and who waits for one looks into the store as well, by the clock.
 */
export interface Bus extends AsyncDisposable {
  /** Whether there may be other instances behind it. */
  readonly isShared: boolean;
  /** Why messages do not get through at present, where that is known. */
  readonly trouble: string | undefined;
  /** Never waits and never throws. Messages of one sender arrive in order, those that do. */
  publish(message: BusMessage): void;
  /** Takes what other instances publish, until the function that it gives is called. */
  listen(listener: BusListener): () => void;
}

/** Must not throw. */
export type BusListener = (notice: BusNotice) => void;

export type BusNotice =
  | BusMessage
  /** Messages get through again: what was published meanwhile is lost. */
  | { readonly kind: "reconnected" };

const sessionId = idOf(parseSessionId);
const turnId = idOf(parseTurnId);
const taskId = idOf(parseTaskId);
const seq = z.int().min(0);
const epoch = z.int().min(0);

/*
 * Fields that are not known are let pass, unlike everywhere else: while instances are replaced one
 * by one, a newer one may say more than an older one knows.
 */
const BusMessage = z.discriminatedUnion("kind", [
  /** A turn of the session waits for whoever has room. */
  z.object({ kind: z.literal("turns-queued"), sessionId }),
  /** Whoever runs the turn is to stop. */
  z.object({ kind: z.literal("cancel-turn"), turnId }),
  /** Whoever makes the call is to stop it. */
  z.object({ kind: z.literal("cancel-task"), taskId }),
  /** The brake for all agents was put on or released. */
  z.object({ kind: z.literal("brake-changed") }),
  /** The session's events up to `seq`, which has that epoch, are stored. */
  z.object({ kind: z.literal("session-moved"), sessionId, seq, epoch }),
  /**
   * What a running turn shows, stored or not. `firstSeq` is the first event of its run; `frames`
   * follow each other without a gap.
   */
  z
    .object({
      kind: z.literal("frames"),
      sessionId,
      epoch,
      firstSeq: seq,
      frames: z.array(z.object({ seq, frame: z.string() })).min(1),
    })
    .refine(({ firstSeq, frames }) => firstSeq <= (frames[0]?.seq ?? 0) && followEachOther(frames)),
  /** The session's run died: what it had shown and not stored never was. */
  z.object({ kind: z.literal("run-lost"), sessionId }),
  /**
   * Somebody follows the session at the sender, where it does not run and is known up to the event
   * `seq` of `epoch`: whoever runs it is to share what its turn shows beyond that.
   */
  z.object({ kind: z.literal("follow"), sessionId, seq, epoch }),
  /** These tokens or logins are worth nothing any more. */
  z.object({
    kind: z.literal("credentials-revoked"),
    credentialIds: z.array(z.string().min(1).max(128)).min(1),
  }),
]);

export type BusMessage = Readonly<z.output<typeof BusMessage>>;

/** A message of another instance; `undefined` for one that only another version understands. */
export function parseBusMessage(raw: unknown): BusMessage | undefined {
  return BusMessage.safeParse(raw).data;
}

function followEachOther(frames: readonly LiveFrame[]): boolean {
  const first = frames[0]?.seq ?? 0;
  return frames.every(({ seq: each }, index) => each === first + index);
}

function idOf<Id>(parse: (raw: string) => Id) {
  return z.string().transform((raw, context) => {
    try {
      return parse(raw);
    } catch {
      context.addIssue({ code: "custom", message: "Expected an id" });
      return z.NEVER;
    }
  });
}
