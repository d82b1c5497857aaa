import type { Metric } from "prom-client";
import type { LoopDelay } from "./loop-delay.ts";
import { METRICS, type MetricDefinition, type MetricName } from "./metric-definitions.ts";
import type { Count, Spread, TallyReport } from "./tally.ts";

/** One value of a gauge; `labels` in the order of the metric's. */
export interface Gauge {
  readonly labels: readonly string[];
  readonly value: number;
}

/** What is measured where, put together for `/metrics`. */
export class Metrics {
  readonly #counts = new Map<string, Count>();
  readonly #spreads = new Map<string, Spread>();
  readonly #gauges = new Map<MetricName, () => readonly Gauge[]>();
  readonly #delays = new Map<string, LoopDelay>();
  #registry: Promise<{ metrics(): Promise<string> }> | undefined;

  constructor() {
    this.gauge("nexflow_event_loop_delay_seconds", () =>
      [...this.#delays].flatMap(([thread, { p50, p99, max }]) => [
        { labels: [thread, "0.5"], value: p50 },
        { labels: [thread, "0.99"], value: p99 },
        { labels: [thread, "1"], value: max },
      ]),
    );
  }

  /** Adds what a thread has counted. */
  add({ counts, spreads }: TallyReport): void {
    for (const count of counts) {
      const key = keyOf(count);
      const value = (this.#counts.get(key)?.value ?? 0) + count.value;
      this.#counts.set(key, { ...count, value });
    }
    for (const spread of spreads) {
      const key = keyOf(spread);
      const known = this.#spreads.get(key);
      const buckets = spread.buckets.map((value, at) => value + (known?.buckets[at] ?? 0));
      this.#spreads.set(key, { ...spread, buckets, sum: spread.sum + (known?.sum ?? 0) });
    }
  }

  setDelay(thread: string, delay: LoopDelay): void {
    this.#delays.set(thread, delay);
  }

  /** Asks `read` whenever the metrics are asked for. */
  gauge(name: MetricName, read: () => readonly Gauge[]): void {
    this.#gauges.set(name, read);
  }

  /** All of it in Prometheus' text format. Loads what writes that when it is first asked. */
  async render(): Promise<string> {
    this.#registry ??= this.#openRegistry();
    return (await this.#registry).metrics();
  }

  async #openRegistry() {
    const { collectDefaultMetrics, Registry } = await import("prom-client");
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const [name, definition] of Object.entries(METRICS)) {
      const metric = {
        name,
        help: definition.help,
        type: definition.kind,
        get: () => ({
          name,
          help: definition.help,
          type: definition.kind,
          values: this.#valuesOf(name as MetricName),
        }),
      };
      // A metric is to the registry whatever has these; the package's own count by themselves.
      registry.registerMetric(metric as unknown as Metric);
    }
    return registry;
  }

  #valuesOf(name: MetricName): readonly MetricValue[] {
    const { kind }: MetricDefinition = METRICS[name];
    if (kind === "gauge")
      return (this.#gauges.get(name)?.() ?? []).map((each) => toValue(name, each));
    if (kind === "histogram") return ofName(this.#spreads, name).flatMap(toBuckets);
    return ofName(this.#counts, name).map((each) => toValue(name, each));
  }
}

interface MetricValue {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

function toValue(name: MetricName, { labels, value }: Gauge): MetricValue {
  return { labels: named(name, labels), value };
}

/** Of a histogram Prometheus wants for each bound how many values lie below it. */
function toBuckets({ name, labels: values, buckets, sum }: Spread): readonly MetricValue[] {
  const { buckets: bounds = [] }: MetricDefinition = METRICS[name];
  const labels = named(name, values);
  let below = 0;
  const each = buckets.map((value, at): MetricValue => {
    below += value;
    const le = bounds[at] ?? "+Inf";
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
  });
  return [
    ...each,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

function named(name: MetricName, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(METRICS[name].labels.map((label, at) => [label, values[at] ?? ""]));
}

function ofName<Series extends { readonly name: MetricName }>(
  series: ReadonlyMap<string, Series>,
  name: MetricName,
): readonly Series[] {
  return [...series.values()].filter((each) => each.name === name);
}

function keyOf({ name, labels }: Pick<Count, "labels" | "name">): string {
  return [name, ...labels].join("\n");
}
