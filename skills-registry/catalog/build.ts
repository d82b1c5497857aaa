// Compiles the calculator. Run by `npm run build:skills`; the output is the same for the same source.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { main } from "assemblyscript/asc";

const folder = path.join(import.meta.dirname, "calculator");
const output = "dist/calculator.wasm";

await mkdir(path.join(folder, "dist"), { recursive: true });
const startedMs = performance.now();
const { error, stderr, stats } = await main([
  "assembly/index.ts",
  ...["--baseDir", folder],
  ...["--outFile", output],
  ...["--path", path.resolve(import.meta.dirname, "../../node_modules")],
  ...["--use", "abort=assembly/index/myAbort"],
  "-O2",
]);
if (error) {
  process.stderr.write(`Cannot compile "${folder}":\n${stderr.toString()}${error.message}\n`);
  process.exit(1);
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
process.stdout.write(`Built calculator/${output} in ${seconds} s (${stats.emitCount} file)\n`);
