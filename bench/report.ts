import { cpus, platform, release, totalmem } from "node:os";

/** What every benchmark gives back: how it was done, on what, and a row for each thing measured. */
export interface BenchResult {
  readonly name: string;
  readonly method: string;
  readonly machine: string;
  readonly rows: readonly BenchRow[];
}

export type BenchRow = Readonly<Record<string, string | number>>;

const GIB = 2 ** 30;

/** The machine and the versions a figure belongs to. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memoryGiB = Math.round(totalmem() / GIB);
  return `${cpus().length} x ${model}, ${memoryGiB} GiB, ${platform()} ${release()}, Node ${process.versions.node}`;
}

/** The result as a table for people. */
export function toTable({ method, machine, rows }: BenchResult): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? "")))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const pad = (line: readonly string[]) =>
    line.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
  return [...lines.map((line) => pad(line).join("  ")), "", method, machine].join("\n");
}

/** The value below which `share` of the values lie; sorts a copy. NaN where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** `value` with at most `digits` digits after the point. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
