/** How a benchmark is asked to run. */
export interface BenchOptions {
  /** The share of the full work to do, to try a benchmark out: figures count at 1 only. */
  readonly scale: number;
  /** For `turn`: where the store is. */
  readonly store: "sqlite" | "postgres";
}
