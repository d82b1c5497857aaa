import { toCardText } from "./approval-text.ts";
import type { RunEvent, ShownCard } from "./chat-protocol.ts";

export type Verdict =
  | { readonly kind: "grant"; readonly scope: { readonly kind: "once" | "session" } }
  | { readonly kind: "deny"; readonly reason?: string };

export interface QuestionsOptions {
  readonly note: (line: string) => void;
  /** A line typed after it was asked for; absent where nobody types. */
  readonly read: ((prompt: string, signal: AbortSignal) => Promise<string | undefined>) | undefined;
  /** Rejects where the decision is refused. */
  readonly decide: (card: ShownCard, verdict: Verdict) => Promise<void>;
}

const PROMPT = "y once, s this session, n [reason] deny > ";

/** Asks about the calls that a turn waits for, one after the other, as its events tell of them. */
export function createQuestions({ note, read, decide }: QuestionsOptions) {
  let asking = new AbortController();

  async function askAll(cards: readonly ShownCard[], signal: AbortSignal): Promise<void> {
    for (const card of cards) {
      note(toCardText(card, Date.now()));
      if (read === undefined) {
        note(`Waits for "nexflow approval grant ${card.approvalId}", or deny`);
        continue;
      }
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      const verdict = await ask(read, signal);
      if (verdict === undefined) return;
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      await decide(card, verdict).catch((error: unknown) =>
        note(error instanceof Error ? error.message : String(error)),
      );
    }
  }

  return {
    take(event: RunEvent): void {
      if (event.type !== "RUN_FINISHED" && event.type !== "RUN_STARTED") return;
      // Somebody else may have decided, or nobody in time.
      asking.abort();
      if (event.type !== "RUN_FINISHED" || event.outcome?.interrupts === undefined) return;
      this.ask(event.outcome.interrupts.map(({ metadata }) => metadata.card));
    },

    ask(cards: readonly ShownCard[]): void {
      asking = new AbortController();
      void askAll(cards, asking.signal);
    },
  };
}

/** `undefined` where there is no answer to wait for. */
async function ask(
  read: NonNullable<QuestionsOptions["read"]>,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one answer after the other
    const line = await read(PROMPT, signal);
    if (line === undefined) return undefined;
    const verdict = parseVerdict(line);
    if (verdict !== undefined) return verdict;
  }
}

/** What `line` says; `undefined` where it says none of what was asked. */
export function parseVerdict(line: string): Verdict | undefined {
  const [, word = "", reason = ""] = /^\s*(\S+)\s*(.*?)\s*$/su.exec(line) ?? [];
  switch (word.toLowerCase()) {
    case "y":
    case "yes":
      return reason === "" ? { kind: "grant", scope: { kind: "once" } } : undefined;
    case "s":
      return reason === "" ? { kind: "grant", scope: { kind: "session" } } : undefined;
    case "n":
    case "no":
      return { kind: "deny", ...(reason === "" ? {} : { reason: reason.slice(0, 1_000) }) };
    default:
      return undefined;
  }
}
