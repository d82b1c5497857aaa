import type { Engine, EngineCall, EngineReply } from "./engine.ts";
import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import { checkGrants } from "./wasm-imports.ts";
import { WasmKernel } from "./wasm-kernel.ts";
import { WasmPlugin } from "./wasm-plugin.ts";
import { WasmWasi } from "./wasm-wasi.ts";

const MIB = 1_048_576;

/**
 * Runs a plugin of the Extism ABI in a fresh instance for every call; `-` in a tool's name is `_`
 * in its export's. Code of the plugin runs only during a call, and within its limits: what is made
 * ahead is an instance whose start function has not run.
 */
export class WasmEngine implements Engine {
  readonly isQuickToPrepare = true;
  readonly spares = 0;
  readonly #code: Uint8Array;
  #plugin: WasmPlugin | undefined;

  constructor(code: Uint8Array) {
    this.#code = code;
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    const { memoryMiB, outputKiB } = frame.limits;
    const plugin = this.#load(memoryMiB);
    checkGrants(plugin.imports, frame.grants);
    const kernel = new WasmKernel(hostCalls, input, memoryMiB);
    const wasi = new WasmWasi(hostCalls, frame.grants, () => plugin.memory);
    const usedMiB = () => (plugin.memoryBytes + kernel.blocks.bytes) / MIB;
    try {
      plugin.run({ kernel, wasi }, frame.tool.replaceAll("-", "_"));
      if (usedMiB() > memoryMiB) throw tooMuchMemory(usedMiB());
      return { output: toText(kernel.output, outputKiB), memoryMiB: usedMiB() };
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError && usedMiB() > memoryMiB / 2) {
        throw tooMuchMemory(usedMiB());
      }
      throw error;
    } finally {
      plugin.release();
    }
  }

  prepare(): void {
    this.#plugin?.prepare();
  }

  dispose(): void {
    this.#plugin = undefined;
  }

  #load(memoryMiB: number): WasmPlugin {
    if (this.#plugin?.memoryMiB !== memoryMiB) {
      this.#plugin = new WasmPlugin(this.#code, memoryMiB);
    }
    return this.#plugin;
  }
}

function tooMuchMemory(usedMiB: number): GuestStop {
  return new GuestStop("memory", TOO_MUCH_MEMORY, Math.ceil(usedMiB));
}

function toText({ buffer, byteOffset, length }: Uint8Array, maxKiB: number): string {
  if (length > maxKiB * 1024) {
    throw new GuestStop("output-size", "The output is too large", Math.ceil(length / 1024));
  }
  return length === 0 ? "null" : Buffer.from(buffer, byteOffset, length).toString();
}
