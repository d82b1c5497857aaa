import type ivm from "isolated-vm";
import { ISOLATE_BOOTSTRAP } from "./isolate-bootstrap.ts";
import { loadIsolatedVm } from "./load-late.ts";

/** Contexts that ended stay in the heap until it is collected: an isolate gets this many. */
const MAX_CONTEXTS = 24;
/** What earlier contexts may hold on top of a guest's own limit. */
const SLACK_MIB = 32;
const MIB = 1_048_576;

/** An isolate and how many contexts it has; gone when it is retired and the last one is released. */
export class GuestIsolate {
  readonly isolate: ivm.Isolate;
  /** Compiled once: every context runs the same. */
  readonly bootstrap: ivm.Script;
  #opened = 0;
  #held = 0;
  #isRetired = false;
  #isFull = false;

  constructor(memoryMiB: number) {
    this.isolate = new (loadIsolatedVm().Isolate)({ memoryLimit: memoryMiB + SLACK_MIB });
    this.bootstrap = this.isolate.compileScriptSync(ISOLATE_BOOTSTRAP, { filename: "host.js" });
  }

  get isDisposed(): boolean {
    return this.isolate.isDisposed;
  }

  /** Whether it should get no further context. */
  get isUsedUp(): boolean {
    return this.#opened >= MAX_CONTEXTS || this.#isFull || this.isDisposed;
  }

  /** Whether earlier contexts left too little room for the limit of a further call. */
  get isFull(): boolean {
    return this.#isFull;
  }

  heapMiB(): number {
    if (this.isDisposed) return 0;
    const { used_heap_size: used, externally_allocated_size: external } =
      this.isolate.getHeapStatisticsSync();
    return (used + external) / MIB;
  }

  hold(): void {
    this.#opened += 1;
    this.#held += 1;
  }

  release(): void {
    this.#held -= 1;
    this.#isFull ||= this.heapMiB() > SLACK_MIB / 2;
    this.#disposeIfIdle();
  }

  retire(): void {
    this.#isRetired = true;
    this.#disposeIfIdle();
  }

  #disposeIfIdle(): void {
    if (this.#isRetired && this.#held === 0 && !this.isDisposed) this.isolate.dispose();
  }
}
