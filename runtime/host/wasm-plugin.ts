import { GuestStop } from "./guest-stop.ts";
import { type AdmittedImport, linkImports, type WasmSeat } from "./wasm-imports.ts";
import type { WasmKernel } from "./wasm-kernel.ts";
import { admitModule, START_EXPORT } from "./wasm-module.ts";
import { WasiExit, type WasmWasi } from "./wasm-wasi.ts";

/** A module that takes longer to instantiate does so in its own call: a neighbour may wait. */
const MAX_PREPARE_MS = 1;

/** A compiled module, the seat that its imports are bound to, and the instance made ahead. */
export class WasmPlugin {
  readonly memoryMiB: number;
  readonly imports: readonly AdmittedImport[];
  readonly #module: WebAssembly.Module;
  readonly #seat: Seat = new Seat();
  readonly #linked: WebAssembly.Imports;
  readonly #memoryName: string | undefined;
  #spare: WebAssembly.Instance | undefined;
  #running: WebAssembly.Instance | undefined;
  #instantiateMs = 0;

  constructor(code: Uint8Array, memoryMiB: number) {
    const { bytes, imports } = admitModule(code, memoryMiB);
    this.memoryMiB = memoryMiB;
    this.imports = imports;
    this.#module = compile(bytes);
    this.#linked = linkImports(imports, this.#seat);
    const memory = WebAssembly.Module.exports(this.#module).find(({ kind }) => kind === "memory");
    this.#memoryName = memory?.name;
  }

  /** The running instance's, where the module exports it. */
  get memory(): WebAssembly.Memory | undefined {
    const memory = this.#running?.exports[this.#memoryName ?? ""];
    return memory instanceof WebAssembly.Memory ? memory : undefined;
  }

  get memoryBytes(): number {
    return this.memory?.buffer.byteLength ?? 0;
  }

  /** Calls the export `name` of a fresh instance. */
  run(seat: WasmSeat, name: string): void {
    this.#seat.take(seat);
    try {
      this.#running = this.#spare ?? this.#instantiate();
      this.#spare = undefined;
      runExport(this.#running, name, seat.kernel);
    } catch (error) {
      if (!(error instanceof WasiExit)) throw error;
      checkError(seat.kernel);
    }
  }

  release(): void {
    this.#running = undefined;
    this.#seat.leave();
  }

  prepare(): void {
    if (this.#instantiateMs > MAX_PREPARE_MS) return;
    try {
      this.#spare ??= this.#instantiate();
    } catch {
      // The next call fails of the same, and says so.
    }
  }

  #instantiate(): WebAssembly.Instance {
    const startedMs = performance.now();
    const instance = new WebAssembly.Instance(this.#module, this.#linked);
    this.#instantiateMs = performance.now() - startedMs;
    return instance;
  }
}

/** Taken by one call at a time; between calls nobody answers. */
class Seat implements WasmSeat {
  #taken: WasmSeat | undefined;

  get kernel(): WasmKernel {
    return this.#get().kernel;
  }

  get wasi(): WasmWasi {
    return this.#get().wasi;
  }

  take(seat: WasmSeat): void {
    this.#taken = seat;
  }

  leave(): void {
    this.#taken = undefined;
  }

  #get(): WasmSeat {
    if (this.#taken === undefined) throw new Error("The call has ended");
    return this.#taken;
  }
}

function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GuestStop("failed", `The skill's code does not load: ${reason}`);
  }
}

function runExport({ exports }: WebAssembly.Instance, name: string, kernel: WasmKernel): void {
  for (const first of [START_EXPORT, "_initialize"]) {
    const initialize = exports[first];
    if (typeof initialize === "function") initialize();
  }
  const run = exports[name];
  if (typeof run !== "function") {
    throw new Error(`The module exports no function "${name}"`);
  }
  const code: unknown = run();
  checkError(kernel);
  if (typeof code === "number" && code !== 0) throw new Error(`The tool returned ${code}`);
}

function checkError({ error }: WasmKernel): void {
  if (error !== undefined) throw new Error(error);
}
