import type { Arm } from "./arm.ts";

/** What a way to run the call gives, besides its figures. */
export interface ArmEntry {
  /** Whether no call sees what an earlier one left. */
  readonly isFresh: boolean;
  /** Whether the caller lives on when the guest takes all memory or never ends. */
  readonly isApart: boolean;
  /** Whether it comes with `npm ci --prefix bench/peers`. */
  readonly isPeer: boolean;
  open(): Promise<Arm>;
}

const OWN = { isPeer: false } as const;
const PEER = { isPeer: true } as const;
const FRESH_AND_APART = { isFresh: true, isApart: true } as const;
const FRESH = { isFresh: true, isApart: false } as const;

/** Loaded on demand: each is opened in a process that knows no other. */
export const ARMS: Readonly<Record<string, ArmEntry>> = {
  "nexflow wasm": {
    ...OWN,
    ...FRESH_AND_APART,
    open: async () => (await import("./nexflow.ts")).openNexflow("wasm"),
  },
  "nexflow isolate": {
    ...OWN,
    ...FRESH_AND_APART,
    open: async () => (await import("./nexflow.ts")).openNexflow("isolate"),
  },
  "function in process": {
    ...OWN,
    isFresh: false,
    isApart: false,
    open: async () => (await import("./in-process.ts")).openInProcess(),
  },
  "isolated-vm, new isolate": {
    ...OWN,
    ...FRESH,
    open: async () => (await import("./raw-isolated-vm.ts")).openRawIsolatedVm(),
  },
  "quickjs-emscripten, new context": {
    ...PEER,
    ...FRESH,
    open: async () => (await import("./quickjs.ts")).openQuickJs(),
  },
  "child_process, new node": {
    ...OWN,
    ...FRESH_AND_APART,
    open: async () => (await import("./spawned-node.ts")).openSpawnedNode(),
  },
  "workerd, one warm isolate": {
    ...PEER,
    isFresh: false,
    isApart: true,
    open: async () => (await import("./workerd.ts")).openWorkerd(),
  },
};
