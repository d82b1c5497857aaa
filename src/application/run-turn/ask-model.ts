import { type MessagePart, textOf } from "#domain/message/message.ts";
import { type MessageId, parseMessageId } from "#domain/shared/id.ts";
import type { LlmEvent } from "../ports/llm.ts";
import type { ToolCall } from "../ports/tool-runner.ts";
import { TextDefuser } from "./defuse-text.ts";
import { createAskAside, runAttempts } from "./run-attempts.ts";
import type { RunState } from "./run-state.ts";

/** What the model said in one step, and what it asks for. */
export interface ModelAnswer {
  readonly messageId: MessageId;
  readonly calls: readonly ToolCall[];
}

/**
 * Has the model answer, shows the answer while it comes, and remembers it. What was said before a
 * failure is kept as an incomplete message; what another attempt says is a message of its own.
 */
export async function askModel(run: RunState): Promise<ModelAnswer> {
  const { deps, dispatch, stop, recorder } = run;
  const skills = deps.tools.listSkills();
  const model = dispatch.session?.model;
  const { messages: said, contextVersion, taint } = run;
  // What was there when the turn was accepted is what its first step goes by.
  const hasOnlyMessages = dispatch.hasOnlyMessages === true && run.steps === 0;
  const told = { messages: said, hasOnlyMessages, contextVersion, skills, taint };
  const input = { turn: dispatch, model, ...told };
  const ask = createAskAside(run);
  const built = await stop.race(deps.buildContext({ ...input, ask }, stop.signal));
  run.summarised = built.summarised;
  run.addTaint(built.taint);
  const stranger = skills.find(({ isDescribedByStranger }) => isDescribedByStranger);
  if (stranger) run.addTaint({ untrusted: `what skill ${stranger.name} says of its tools` });
  if (built.compacted !== undefined) {
    recorder.addEvents({ kind: "context-compacted", ...built.compacted });
  }
  const { system, messages, inputTokens } = built;
  const request = { model, system, messages, skills, cacheKey: dispatch.sessionId };
  let draft = new Draft(run);
  try {
    await runAttempts(run, { request, inputTokens }, (event) => {
      if (event.kind === "attempt-failed") draft = draft.giveUp(event);
      else draft.add(event);
      if (event.kind === "finished" && event.usage.isEstimated !== true) built.learn(event.usage);
    });
  } catch (error) {
    draft.breakOff();
    throw error;
  }
  return draft.finish();
}

/** The message that a model is about to say. */
class Draft {
  readonly #run: RunState;
  readonly #messageId: MessageId;
  readonly #parts: MessagePart[] = [];
  readonly #calls: ToolCall[] = [];
  /** What it says passes these where strangers may have told it what to say. */
  readonly #defusers: { readonly text: TextDefuser; readonly thought: TextDefuser } | undefined;
  #hasText = false;
  #isThinking = false;

  constructor(run: RunState) {
    this.#run = run;
    this.#messageId = parseMessageId(run.deps.newId());
    if (run.taint.untrusted === undefined) return;
    this.#defusers = { text: new TextDefuser(), thought: new TextDefuser() };
    // Who shows the messages of a turn as one text reads them together.
    for (const message of run.ownMessages()) {
      if (message.role === "assistant") this.#defusers.text.push(`${textOf(message)}\n\n`);
    }
    this.#defusers.text.end();
  }

  add(event: Exclude<LlmEvent, { kind: "attempt-failed" }>): void {
    switch (event.kind) {
      case "text":
        this.#addText(this.#defusers?.text.push(event.delta) ?? event.delta);
        return;
      case "reasoning":
        this.#addThought(this.#defusers?.thought.push(event.delta) ?? event.delta);
        return;
      case "reasoning-ended":
        this.#endThought();
        this.#parts.push(event.part);
        return;
      case "tool-call":
        this.#addText(this.#defusers?.text.end() ?? "");
        this.#endThought();
        this.#addCall(event);
        return;
      case "usage":
      case "finished":
        return;
      default:
        return event satisfies never;
    }
  }

  /** The attempt has failed: gives the draft of the next one. */
  giveUp({ model, failure, next }: Extract<LlmEvent, { kind: "attempt-failed" }>): Draft {
    const said = this.breakOff() ? { messageId: this.#messageId } : {};
    this.#run.recorder.addEvents({ kind: "model-failed", model, failure, ...said, next });
    return new Draft(this.#run);
  }

  /** Keeps the text that was said as an incomplete message; gives whether there was any. */
  breakOff(): boolean {
    this.#endEvents();
    if (!this.#hasText) return false;
    const text = this.#parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    this.#run.addAnswer(this.#messageId, [{ kind: "text", text }], false);
    return true;
  }

  finish(): ModelAnswer {
    this.#endEvents();
    this.#run.addAnswer(this.#messageId, this.#parts, true);
    return { messageId: this.#messageId, calls: this.#calls };
  }

  #addText(delta: string): void {
    if (delta === "") return;
    const { recorder } = this.#run;
    const messageId = this.#messageId;
    this.#endThought();
    if (!this.#hasText) recorder.addEvents({ kind: "text-started", messageId });
    this.#hasText = true;
    recorder.addText(messageId, delta);
    const last = this.#parts.at(-1);
    if (last?.kind !== "text") this.#parts.push({ kind: "text", text: delta });
    else this.#parts[this.#parts.length - 1] = { kind: "text", text: last.text + delta };
  }

  #addThought(delta: string): void {
    if (delta === "") return;
    const { recorder } = this.#run;
    const messageId = this.#messageId;
    if (!this.#isThinking) recorder.addEvents({ kind: "reasoning-started", messageId });
    this.#isThinking = true;
    recorder.addReasoning(messageId, delta);
  }

  #addCall({ toolCallId, name, input }: Extract<LlmEvent, { kind: "tool-call" }>): void {
    const value = input.kind === "json" ? input.value : input.text;
    this.#calls.push({ toolCallId, name, input });
    this.#parts.push({ kind: "tool-call", toolCallId, name, input: value });
  }

  #endThought(): void {
    this.#addThought(this.#defusers?.thought.end() ?? "");
    if (!this.#isThinking) return;
    this.#isThinking = false;
    this.#run.recorder.addEvents({ kind: "reasoning-ended", messageId: this.#messageId });
  }

  #endEvents(): void {
    this.#addText(this.#defusers?.text.end() ?? "");
    this.#endThought();
    if (!this.#hasText) return;
    this.#run.recorder.addEvents({ kind: "text-ended", messageId: this.#messageId });
  }
}
