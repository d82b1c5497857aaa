import process from "node:process";
import { parseArgs } from "node:util";
import { type BenchResult, toTable } from "./report.ts";

/*
 * `npm run bench -- <name> [--json]`: runs one benchmark and prints a table and, below it (or with
 * --json alone), the result as JSON.
 */

const BENCHES: Readonly<Record<string, () => Promise<{ run(): Promise<BenchResult> }>>> = {
  gateway: () => import("./gateway.bench.ts"),
  turn: () => import("./turn.bench.ts"),
  skill: () => import("./skill.bench.ts"),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const [name = ""] = positionals;
const load = BENCHES[name];
if (load === undefined) {
  const known = Object.keys(BENCHES).join(", ");
  process.stderr.write(`Cannot run benchmark "${name}": expected one of ${known}\n`);
  process.exitCode = 2;
} else {
  const result = await (await load()).run();
  if (!values.json) process.stdout.write(`${toTable(result)}\n\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
