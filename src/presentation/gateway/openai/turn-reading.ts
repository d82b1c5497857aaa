import type { TurnId } from "#domain/shared/id.ts";

/** What a turn shows, as far as OpenAI's protocols have words for it. */
export type TurnStep =
  | { readonly kind: "text-began"; readonly messageId: string }
  | { readonly kind: "text"; readonly messageId: string; readonly delta: string }
  | { readonly kind: "text-ended"; readonly messageId: string }
  | { readonly kind: "thought"; readonly messageId: string; readonly delta: string }
  | { readonly kind: "thought-ended"; readonly messageId: string }
  /** The model failed in the middle of its answer, and begins anew or another one does. */
  | { readonly kind: "broke-off"; readonly messageId: string | undefined }
  | { readonly kind: "waiting"; readonly approvals: readonly AskedApproval[] }
  /** The run died: all that was shown so far never was. */
  | { readonly kind: "restarted" }
  | { readonly kind: "ended"; readonly end: TurnEnd };

export interface AskedApproval {
  readonly approvalId: string;
  readonly message: string;
}

export type TurnEnd =
  | { readonly kind: "completed" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** The fields of our own frames that are read here; see `event-frame.ts`. */
interface Frame {
  readonly turnId: string;
  readonly event: WireEvent;
}

type WireEvent =
  | { readonly type: "TEXT_MESSAGE_START" | "TEXT_MESSAGE_END"; readonly messageId: string }
  | { readonly type: "TEXT_MESSAGE_CONTENT"; readonly messageId: string; readonly delta: string }
  | {
      readonly type: "REASONING_MESSAGE_CONTENT";
      readonly messageId: string;
      readonly delta: string;
    }
  | { readonly type: "REASONING_MESSAGE_END"; readonly messageId: string }
  | {
      readonly type: "CUSTOM";
      readonly name: string;
      readonly value: { readonly messageId?: string };
    }
  | { readonly type: "RUN_ERROR"; readonly code: string; readonly message: string }
  | { readonly type: "RUN_FINISHED"; readonly outcome: Outcome }
  | {
      readonly type: "MESSAGES_SNAPSHOT";
      readonly messages: readonly SnapshotMessage[];
      readonly metadata: { readonly turns: readonly SnapshotTurn[] };
    };

type Outcome =
  | { readonly type: "success" | "cancelled" }
  | {
      readonly type: "interrupt";
      readonly interrupts: readonly { readonly id: string; readonly message: string }[];
    };

interface SnapshotMessage {
  readonly id: string;
  readonly role: string;
  readonly content?: string;
  readonly turnId: string;
}

interface SnapshotTurn {
  readonly id: string;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Reads the steps of one turn out of the frames of its session. */
export class TurnReading {
  readonly #turnId: TurnId;
  /** The text shown so far, by message. */
  readonly #shown = new Map<string, string>();

  constructor(turnId: TurnId) {
    this.#turnId = turnId;
  }

  read(text: string): readonly TurnStep[] {
    const { turnId, event } = JSON.parse(text) as Frame;
    if (event.type === "MESSAGES_SNAPSHOT") return this.#readSnapshot(event);
    return turnId === this.#turnId ? this.#readEvent(event) : [];
  }

  #readEvent(event: Exclude<WireEvent, { type: "MESSAGES_SNAPSHOT" }>): readonly TurnStep[] {
    switch (event.type) {
      case "TEXT_MESSAGE_START":
        return this.#begin(event.messageId);
      case "TEXT_MESSAGE_CONTENT":
        return this.#add(event.messageId, event.delta);
      case "TEXT_MESSAGE_END":
        return [{ kind: "text-ended", messageId: event.messageId }];
      case "REASONING_MESSAGE_CONTENT":
        return [{ kind: "thought", messageId: event.messageId, delta: event.delta }];
      case "REASONING_MESSAGE_END":
        return [{ kind: "thought-ended", messageId: event.messageId }];
      case "CUSTOM":
        if (event.name !== "nexflow.model-failed") return [];
        return [{ kind: "broke-off", messageId: event.value.messageId }];
      case "RUN_ERROR":
        return [{ kind: "ended", end: { ...event, kind: "failed" } }];
      case "RUN_FINISHED":
        return [toStep(event.outcome)];
      default:
        // The other events show what these protocols have no words for.
        event satisfies never;
        return [];
    }
  }

  #begin(messageId: string): readonly TurnStep[] {
    if (this.#shown.has(messageId)) return [];
    this.#shown.set(messageId, "");
    return [{ kind: "text-began", messageId }];
  }

  #add(messageId: string, delta: string): readonly TurnStep[] {
    const steps = this.#begin(messageId);
    this.#shown.set(messageId, (this.#shown.get(messageId) ?? "") + delta);
    return delta === "" ? steps : [...steps, { kind: "text", messageId, delta }];
  }

  /** All there is, in place of what was shown: either that goes on, or it never was. */
  #readSnapshot({
    messages,
    metadata,
  }: Extract<WireEvent, { type: "MESSAGES_SNAPSHOT" }>): readonly TurnStep[] {
    const stored = messages.filter(
      ({ role, turnId, content = "" }) =>
        turnId === this.#turnId && role === "assistant" && content !== "",
    );
    const steps: TurnStep[] = [];
    const texts = new Map(stored.map(({ id, content = "" }) => [id, content]));
    const isStillSo = [...this.#shown].every(([id, text]) => texts.get(id)?.startsWith(text));
    if (!isStillSo) {
      this.#shown.clear();
      steps.push({ kind: "restarted" });
    }
    for (const [id, text] of texts) {
      const rest = text.slice(this.#shown.get(id)?.length ?? 0);
      if (rest === "" && this.#shown.has(id)) continue;
      steps.push(...this.#add(id, rest), { kind: "text-ended", messageId: id });
    }
    const turn = metadata.turns.find(({ id }) => id === this.#turnId);
    const end = turn === undefined ? undefined : toEnd(turn);
    return end === undefined ? steps : [...steps, { kind: "ended", end }];
  }
}

function toStep(outcome: Outcome): TurnStep {
  switch (outcome.type) {
    case "success":
      return { kind: "ended", end: { kind: "completed" } };
    case "cancelled":
      return { kind: "ended", end: { kind: "cancelled" } };
    case "interrupt": {
      const approvals = outcome.interrupts.map(({ id, message }) => ({ approvalId: id, message }));
      return { kind: "waiting", approvals };
    }
    default:
      return outcome satisfies never;
  }
}

function toEnd({ state, failure }: SnapshotTurn): TurnEnd | undefined {
  if (state === "completed") return { kind: "completed" };
  if (state === "cancelled") return { kind: "cancelled" };
  return failure === undefined ? undefined : { kind: "failed", ...failure };
}
