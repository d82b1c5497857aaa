import type { Grant, HostFunction } from "../protocol.ts";
import { GRANT_OF } from "../protocol.ts";
import type { Engine, EngineCall, EngineReply } from "./engine.ts";
import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import { WasmKernel } from "./wasm-kernel.ts";
import { admitModule } from "./wasm-module.ts";

const MIB = 1_048_576;

/**
 * Runs a plugin of the Extism ABI in a fresh instance for every call; `-` in a tool's name is `_`
 * in its export's.
 */
export class WasmEngine implements Engine {
  readonly #code: Uint8Array;
  #compiled: { readonly module: WebAssembly.Module; readonly memoryMiB: number } | undefined;

  constructor(code: Uint8Array) {
    this.#code = code;
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    const { memoryMiB } = frame.limits;
    const module = this.#compile(memoryMiB);
    const kernel = new WasmKernel(input, memoryMiB, hostCalls);
    const imports = kernel.imports();
    checkImports(module, imports, frame.grants);
    const instance = new WebAssembly.Instance(module, imports);
    const usedMiB = () => (memoryBytes(instance) + kernel.bytes) / MIB;
    try {
      runExport(instance, frame.tool, kernel);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError && usedMiB() > memoryMiB / 2) {
        throw new GuestStop("memory", TOO_MUCH_MEMORY, Math.ceil(usedMiB()));
      }
      throw error;
    }
    if (usedMiB() > memoryMiB) {
      throw new GuestStop("memory", TOO_MUCH_MEMORY, Math.ceil(usedMiB()));
    }
    return { output: toText(kernel.output, frame.limits.outputKiB), memoryMiB: usedMiB() };
  }

  readonly spares = 0;

  prepare(): void {
    // A fresh instance costs microseconds: there is nothing to gain.
  }

  dispose(): void {
    this.#compiled = undefined;
  }

  #compile(memoryMiB: number): WebAssembly.Module {
    if (this.#compiled?.memoryMiB !== memoryMiB) {
      const module = new WebAssembly.Module(admitModule(this.#code, memoryMiB));
      this.#compiled = { module, memoryMiB };
    }
    return this.#compiled.module;
  }
}

function checkImports(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  grants: Readonly<Record<Grant, boolean>>,
): void {
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const isKnown = Object.hasOwn(imports, from) && Object.hasOwn(imports[from] ?? {}, name);
    if (!isKnown) {
      throw new GuestStop("denied", `The module imports "${from}.${name}", which no host has`);
    }
    const grant = from === "extism:host/user" ? GRANT_OF[name as HostFunction] : undefined;
    if (grant !== undefined && !grants[grant]) {
      throw new GuestStop("denied", `The module imports "${name}": "${grant}" is not granted`);
    }
  }
}

function runExport({ exports }: WebAssembly.Instance, tool: string, kernel: WasmKernel): void {
  const initialize = exports["_initialize"];
  if (typeof initialize === "function") initialize();
  const name = tool.replaceAll("-", "_");
  const run = exports[name];
  if (typeof run !== "function") {
    throw new Error(`The module exports no function "${name}"`);
  }
  const code: unknown = run();
  if (kernel.error !== undefined) throw new Error(kernel.error);
  if (typeof code === "number" && code !== 0) throw new Error(`The tool returned ${code}`);
}

function memoryBytes({ exports }: WebAssembly.Instance): number {
  const memory = exports["memory"];
  return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0;
}

function toText(output: Uint8Array, maxKiB: number): string {
  if (output.length > maxKiB * 1024) {
    const usedKiB = Math.ceil(output.length / 1024);
    throw new GuestStop("output-size", "The output is too large", usedKiB);
  }
  return output.length === 0 ? "null" : new TextDecoder().decode(output);
}
