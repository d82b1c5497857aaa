import { METRICS, type MetricDefinition, type MetricName } from "./metric-definitions.ts";

/** What came together in a thread since it was last told; plain data, to be sent. */
export interface TallyReport {
  readonly counts: readonly Count[];
  readonly spreads: readonly Spread[];
}

export interface Count {
  readonly name: MetricName;
  /** A value for each label of the metric, in its order. */
  readonly labels: readonly string[];
  readonly value: number;
}

export interface Spread {
  readonly name: MetricName;
  readonly labels: readonly string[];
  /** How many values lie in each bucket of the metric, and in none of them. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** Stands in place of all further values of a metric's labels. */
export const OTHER = "other";
const MAX_SERIES = { counter: 200, gauge: 200, histogram: 50 };
const MAX_LABEL_CHARS = 100;

interface Series {
  readonly name: MetricName;
  readonly labels: readonly string[];
  /** Of a counter its only value, else one for each bucket. */
  readonly values: number[];
  sum: number;
  isTouched: boolean;
}

/**
 * Adds up counts and times for metrics. However many values a label takes, a metric has a bounded
 * number of series: what comes beyond it counts as "other".
 */
export class Tally {
  readonly #maskLabel: (text: string) => string;
  readonly #series = new Map<MetricName, Map<string, Series>>();

  constructor(maskLabel: (text: string) => string = (text) => text) {
    this.#maskLabel = maskLabel;
  }

  count(name: MetricName, value: number, ...labels: readonly string[]): void {
    if (value === 0) return;
    const series = this.#touch(name, labels);
    series.values[0] = (series.values[0] ?? 0) + value;
  }

  /** Takes in one value of a histogram. */
  observe(name: MetricName, value: number, ...labels: readonly string[]): void {
    const { buckets = [] }: MetricDefinition = METRICS[name];
    const series = this.#touch(name, labels);
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1;
    series.values[at] = (series.values[at] ?? 0) + 1;
    series.sum += value;
  }

  /** What came since the last time; nothing where that is nothing. */
  take(): TallyReport | undefined {
    const counts: Count[] = [];
    const spreads: Spread[] = [];
    for (const series of [...this.#series.values()].flatMap((all) => [...all.values()])) {
      if (!series.isTouched) continue;
      const { name, labels, values, sum } = series;
      if (METRICS[name].kind === "histogram")
        spreads.push({ name, labels, buckets: [...values], sum });
      else counts.push({ name, labels, value: values[0] ?? 0 });
      values.fill(0);
      Object.assign(series, { sum: 0, isTouched: false });
    }
    return counts.length + spreads.length === 0 ? undefined : { counts, spreads };
  }

  #touch(name: MetricName, labels: readonly string[]): Series {
    const all = this.#series.get(name) ?? new Map<string, Series>();
    if (all.size === 0) this.#series.set(name, all);
    const key = labels.join("\n");
    const series = all.get(key) ?? this.#add(all, name, labels);
    series.isTouched = true;
    return series;
  }

  #add(all: Map<string, Series>, name: MetricName, given: readonly string[]): Series {
    const { kind, buckets = [] }: MetricDefinition = METRICS[name];
    const isFull = all.size >= MAX_SERIES[kind];
    const labels = given.map((label) => (isFull ? OTHER : this.toLabel(label)));
    const key = (isFull ? labels : given).join("\n");
    const values = Array.from({ length: buckets.length + 1 }, () => 0);
    const series = all.get(key) ?? { name, labels, values, sum: 0, isTouched: false };
    all.set(key, series);
    return series;
  }

  /** As a label may be told: without secrets, and not too long. */
  toLabel(label: string): string {
    return this.#maskLabel(label).slice(0, MAX_LABEL_CHARS);
  }
}
