import type { Message, ToolOutcome } from "#domain/message/message.ts";
import type { ToolCall } from "../ports/tool-runner.ts";

/** So often may one call fail in one turn before it is not made any more. */
const FAILURES_MOST = 3;

/** Which calls of a turn failed, word for word the same, and how often. */
export class CallFailures {
  readonly #counts = new Map<string, number>();

  /** Counts what the turn's earlier calls came to. */
  constructor(messages: readonly Message[]) {
    const parts = messages.flatMap((message) => message.parts);
    const names = new Map<string, string>();
    for (const part of parts) {
      if (part.kind === "tool-call") names.set(part.toolCallId, keyOf(part.name, part.input));
      if (part.kind === "tool-result") {
        const key = names.get(part.toolCallId);
        if (key !== undefined) this.#count(key, part.outcome);
      }
    }
  }

  note({ name, input }: ToolCall, outcome: ToolOutcome): void {
    this.#count(keyOf(name, input.kind === "json" ? input.value : input.text), outcome);
  }

  /** What the model is told instead where a call has failed too often. */
  refuse({ name, input }: ToolCall): (ToolOutcome & { readonly kind: "error" }) | undefined {
    const key = keyOf(name, input.kind === "json" ? input.value : input.text);
    const failures = this.#counts.get(key) ?? 0;
    if (failures < FAILURES_MOST) return undefined;
    const message =
      `This very call of "${name}" has failed ${failures} times in this turn and is not made again: ` +
      "change its input, use another tool, or answer without it";
    return { kind: "error", code: "repeated-failure", message };
  }

  #count(key: string, { kind }: ToolOutcome): void {
    if (kind === "ok") this.#counts.delete(key);
    else this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

function keyOf(name: string, input: unknown): string {
  return `${name} ${JSON.stringify(input)}`;
}
