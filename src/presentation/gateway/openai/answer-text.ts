import type { AskedApproval, TurnEnd, TurnStep } from "./turn-reading.ts";

/** The text of a turn's answer as one, for protocols in which an answer is one message. */
export class AnswerText {
  readonly #canTakeBack: boolean;
  #text = "";
  /** What is said of a question that is open; gone once it is answered, where that is possible. */
  #note = "";
  /** Where the text of each message begins. */
  readonly #starts = new Map<string, number>();

  /** `canTakeBack`: the client has nothing of it before the end. */
  constructor({ canTakeBack }: { readonly canTakeBack: boolean }) {
    this.#canTakeBack = canTakeBack;
  }

  get text(): string {
    return this.#text + this.#note;
  }

  /** What the step adds to the text. */
  read(step: TurnStep): string {
    this.#note = "";
    switch (step.kind) {
      case "text-began":
        this.#starts.set(step.messageId, this.#text.length);
        return "";
      case "text": {
        const isFirst = this.#starts.get(step.messageId) === this.#text.length;
        return this.#add(isFirst ? this.#apart(step.delta) : step.delta);
      }
      case "broke-off":
        return this.#breakOff(step.messageId);
      case "waiting": {
        const note = this.#apart(approvalNote(step.approvals));
        if (!this.#canTakeBack) return this.#add(note);
        this.#note = note;
        return note;
      }
      case "restarted":
        this.#text = "";
        this.#starts.clear();
        return "";
      case "text-ended":
      case "thought":
      case "thought-ended":
      case "ended":
        return "";
      default:
        return step satisfies never;
    }
  }

  #breakOff(messageId: string | undefined): string {
    const start = messageId === undefined ? undefined : this.#starts.get(messageId);
    if (start === undefined || start === this.#text.length) return "";
    if (!this.#canTakeBack) return this.#add(this.#apart(BROKE_OFF));
    this.#text = this.#text.slice(0, start);
    return "";
  }

  #apart(text: string): string {
    return this.#text === "" ? text : `\n\n${text}`;
  }

  #add(text: string): string {
    this.#text += text;
    return text;
  }
}

const BROKE_OFF = "[The model broke off here. Its answer begins anew.]";

/** Says what has to be decided before an answer can go on. */
export function approvalNote(approvals: readonly AskedApproval[]): string {
  const asked = approvals.map(({ approvalId, message }) => `- ${message} (${approvalId})`);
  return `[This needs an approval. Decide in Nexflow, then the answer goes on:\n${asked.join("\n")}]`;
}

/** How a turn that did not complete shows as an error. */
export function toRefusal(end: Exclude<TurnEnd, { kind: "completed" }>) {
  if (end.kind === "cancelled") {
    return { status: 409, code: "cancelled", message: "The turn was cancelled" };
  }
  return { status: STATUS[end.code] ?? 500, code: end.code, message: end.message };
}

const STATUS: Readonly<Record<string, number>> = {
  LLM_RATE_LIMITED: 429,
  LLM_REFUSED: 400,
  LLM_NOT_ALLOWED: 403,
  LLM_PAUSED: 503,
  LLM_TIMEOUT: 504,
  LLM_UNAVAILABLE: 502,
  LLM_BAD_ANSWER: 502,
};
