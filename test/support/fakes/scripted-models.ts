import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import type { Fault } from "#domain/shared/fault.ts";

/** What a model does when it is asked: says these things, then fails, or hangs until it is given up. */
export interface Scripted {
  readonly says?: readonly LlmEvent[];
  readonly fails?: Fault | Error;
  readonly hangs?: boolean;
}

/** Asked once: by which name and key, and what. */
export interface Asked {
  readonly model: string;
  readonly key: string | undefined;
  readonly request: LlmRequest;
}

/** Models that do one thing after the other, the last one again and again. */
export class ScriptedModels {
  readonly asked: Asked[] = [];
  /** How many are being asked now. */
  running = 0;
  readonly #scripts: Record<string, Scripted[]>;

  constructor(scripts: Readonly<Record<string, readonly Scripted[]>>) {
    this.#scripts = Object.fromEntries(
      Object.entries(scripts).map(([model, script]) => [model, [...script]]),
    );
  }

  readonly open = (model: string, key: string | undefined): Llm => ({
    name: model,
    stream: (request, signal) => this.#stream({ model, key, request }, signal),
  });

  async *#stream(asked: Asked, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    if (signal.aborted) return;
    this.asked.push(asked);
    this.running += 1;
    try {
      const { says = [], fails, hangs = false } = this.#next(asked.model);
      for (const event of says) {
        if (signal.aborted) return;
        yield event;
      }
      if (fails !== undefined) throw fails;
      if (hangs) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    } finally {
      this.running -= 1;
    }
  }

  #next(model: string): Scripted {
    const script = this.#scripts[model] ?? [];
    const [first] = script;
    if (first === undefined) throw new Error(`Nobody expected "${model}" to be asked`);
    if (script.length > 1) script.shift();
    return first;
  }
}
