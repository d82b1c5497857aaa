import { type BenchRow, quantile, round } from "../report.ts";

/** What one measurement saw, in the unit of its row. */
export interface Sample {
  readonly what: string;
  readonly unit: "ms" | "us" | "MiB";
  readonly values: readonly number[];
}

export function toRow({ what, unit, values }: Sample): BenchRow {
  return {
    what,
    unit,
    p50: round(quantile(values, 0.5)),
    p99: round(quantile(values, 0.99)),
    max: round(Math.max(...values)),
    samples: values.length,
  };
}

/** At least one of what the full work has `count` of. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}
