import { toTable } from "#presentation/cmd/output.ts";

/** Shows figures in the output of the tests, whether they pass or not. */
export function report(title: string, rows: readonly object[] = []): void {
  const [first] = rows;
  const cells = rows.map((row) => Object.values(row).map(String));
  const table = first === undefined ? [] : [toTable([Object.keys(first), ...cells])];
  process.stdout.write(`${[title, ...table].join("\n")}\n`);
}
