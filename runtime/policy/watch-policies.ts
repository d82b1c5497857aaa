import { type FSWatcher, watch } from "node:fs";
import { PolicyError } from "./policy-error.ts";
import { readPolicies } from "./read-policies.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";

export interface PolicyListener {
  /** The policies as they are now, most important first. */
  readonly onChange: (policies: readonly SandboxPolicy[]) => void;
  /** They cannot be used as they are now, or can no longer be watched. */
  readonly onFault: (error: PolicyError) => void;
}

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/**
 * Reads the policies of `dir` again each time something in it changes. The folder is watched, not
 * its files: editors put new files in the place of old ones. Does not keep the process alive;
 * tells nothing after `close`.
 */
export function watchPolicies(
  dir: string,
  listener: PolicyListener,
): { readonly close: () => void } {
  const watching = new PolicyWatch(dir, listener);
  return { close: () => watching.close() };
}

class PolicyWatch {
  readonly #dir: string;
  readonly #listener: PolicyListener;
  readonly #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Counts changes: what was read before the last one is old. */
  #changes = 0;
  #isClosed = false;

  constructor(dir: string, listener: PolicyListener) {
    this.#dir = dir;
    this.#listener = listener;
    this.#watcher = this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #open(): FSWatcher | undefined {
    try {
      return watch(this.#dir, { persistent: false })
        .on("change", () => this.#readSoon())
        .on("error", (error) => this.#tellUnwatched(error));
    } catch (error) {
      // Not before the caller has what it needs to close this.
      queueMicrotask(() => this.#tellUnwatched(error));
      return undefined;
    }
  }

  #readSoon(): void {
    this.#changes += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), SETTLE_MS).unref();
  }

  async #read(): Promise<void> {
    const change = this.#changes;
    const tell = await readPolicies(this.#dir).then(
      (policies) => () => this.#listener.onChange(policies),
      (error: unknown) => () => this.#tellFault(error),
    );
    if (!this.#isClosed && change === this.#changes) tell();
  }

  #tellFault(error: unknown): void {
    if (!(error instanceof PolicyError)) throw error;
    this.#listener.onFault(error);
  }

  #tellUnwatched(error: unknown): void {
    if (this.#isClosed) return;
    const message = `Cannot watch the policies of "${this.#dir}": ${messageOf(error)}`;
    this.#listener.onFault(new PolicyError(message, [], { cause: error }));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
