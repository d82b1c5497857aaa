import { readFile } from "node:fs/promises";
import path from "node:path";
import { main } from "assemblyscript/asc";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SOURCE = "plugin.ts";
const OUTPUT = "plugin.wasm";

/** A plugin made with Extism's PDK for AssemblyScript, as its authors make them. */
export async function compileAssembly(source: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  let report = "";
  const args = [SOURCE, "-O2", "--outFile", OUTPUT, "--path", "node_modules"];
  const { error } = await main([...args, "--use", "abort=plugin/stop"], {
    stderr: { write: (chunk: string) => void (report += chunk) },
    readFile: (name, baseDir) =>
      name === SOURCE ? source : readText(path.resolve(ROOT, baseDir, name)),
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") wasm = Uint8Array.from(contents);
    },
    listFiles: () => [],
  });
  if (error !== null) throw new Error(`Cannot compile the plugin:\n${report}`, { cause: error });
  if (wasm === undefined) throw new Error("Cannot compile the plugin: there is no output");
  return wasm;
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch {
    // The compiler tries several names.
    return null;
  }
}
