// Compiles the calculator. Run by `npm run build:skills`; the output is the same for the same source.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { main } from "assemblyscript/asc";

const FOLDER = path.join(import.meta.dirname, "calculator");
const OUTPUT = "dist/calculator.wasm";

await mkdir(path.join(FOLDER, "dist"), { recursive: true });
const startedMs = performance.now();
let report = "";
const options = {
  baseDir: FOLDER,
  outFile: OUTPUT,
  path: path.resolve(import.meta.dirname, "../../node_modules"),
  use: "abort=assembly/index/myAbort",
};
const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
const { error } = await main(["assembly/index.ts", "-O2", ...args], {
  stderr: { write: (chunk: string) => void (report += chunk) },
});
if (error) {
  process.stderr.write(`Cannot compile "${FOLDER}":\n${report}${error.message}\n`);
  process.exit(1);
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
process.stdout.write(`Built calculator/${OUTPUT} in ${seconds} s\n`);
