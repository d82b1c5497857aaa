import process from "node:process";
import { parseArgs } from "node:util";
import type { BenchOptions } from "./options.ts";
import { type BenchResult, toTable } from "./report.ts";

/*
 * `npm run bench -- <name> [--json] [--scale <share>] [--store sqlite|postgres]`: runs one benchmark
 * and prints a table and, below it (or with --json alone), the result as JSON. With a scale under 1
 * most do that share of their work only: to try them out. `turn` runs on either store.
 */

interface Bench {
  run(options: BenchOptions): Promise<BenchResult>;
}

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  gateway: () => import("./gateway.bench.ts"),
  turn: () => import("./turn.bench.ts"),
  store: () => import("./store.bench.ts"),
  resume: () => import("./resume.bench.ts"),
  skill: () => import("./skill.bench.ts"),
  sandbox: () => import("./sandbox.bench.ts"),
  leak: () => import("./leak.bench.ts"),
  overhead: () => import("./overhead.bench.ts"),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    scale: { type: "string", default: "1" },
    store: { type: "string", default: "sqlite" },
  },
});
const [name = ""] = positionals;
const scale = Number(values.scale);
const { store } = values;
const load = BENCHES[name];
if (load === undefined) {
  const known = Object.keys(BENCHES).join(", ");
  fail(`Cannot run benchmark "${name}": expected one of ${known}`);
} else if (!(scale > 0 && scale <= 1)) {
  fail(`Cannot run at scale "${values.scale}": expected a number above 0, up to 1`);
} else if (store !== "sqlite" && store !== "postgres") {
  fail(`Cannot run on store "${store}": expected sqlite or postgres`);
} else {
  const result = await (await load()).run({ scale, store });
  if (!values.json) process.stdout.write(`${toTable(result)}\n\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
