import { test } from "vitest";
import { Metrics } from "#infrastructure/telemetry/metrics.ts";
import { Tally } from "#infrastructure/telemetry/tally.ts";

test("Tally.take() gives what came since the last time, and nothing where nothing did", ({
  expect,
}) => {
  const tally = new Tally();
  expect(tally.take()).toBeUndefined();
  tally.count("nexflow_turns_total", 1, "completed");
  tally.count("nexflow_turns_total", 2, "completed");
  tally.count("nexflow_turns_total", 0, "failed");
  expect(tally.take()).toEqual({
    counts: [{ name: "nexflow_turns_total", labels: ["completed"], value: 3 }],
    spreads: [],
  });
  expect(tally.take()).toBeUndefined();
  tally.observe("nexflow_store_batch_requests", 5);
  tally.observe("nexflow_store_batch_requests", 100_000);
  const [spread] = tally.take()?.spreads ?? [];
  expect(spread?.buckets).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  expect(spread?.sum).toBe(100_005);
});

test("a metric has a bounded number of series, whatever its labels are", async ({ expect }) => {
  const tally = new Tally((label) => label.replaceAll("secret", "[redacted]"));
  const metrics = new Metrics();
  for (let at = 0; at < 5_000; at += 1) {
    tally.count("nexflow_cost_usd_total", 0.5, `model/${at} secret ${"x".repeat(500)}`);
    tally.observe("nexflow_tool_call_seconds", 0.003, `skill-${at}`);
    const report = at % 100 === 0 ? tally.take() : undefined;
    if (report !== undefined) metrics.add(report);
  }
  const report = tally.take();
  if (report !== undefined) metrics.add(report);
  const lines = (await metrics.render()).split("\n");
  const costs = lines.filter((line) => line.startsWith("nexflow_cost_usd_total"));
  expect(costs).toHaveLength(201);
  expect(costs).toContain('nexflow_cost_usd_total{model="other"} 2400');
  expect(costs.filter((line) => line.includes("secret"))).toEqual([]);
  expect(Math.max(...costs.map((line) => line.length))).toBeLessThan(200);
  const counts = lines.filter((line) => line.startsWith("nexflow_tool_call_seconds_count"));
  expect(counts).toHaveLength(51);
  expect(counts).toContain('nexflow_tool_call_seconds_count{skill="other"} 4950');
});

test("Metrics.render() writes histograms, gauges and labels as Prometheus reads them", async ({
  expect,
}) => {
  const tally = new Tally();
  const metrics = new Metrics();
  for (const value of [1, 1, 7, 900]) tally.observe("nexflow_store_batch_requests", value);
  tally.count("nexflow_model_calls_total", 1, 'a"b\\c\nd', "answered");
  const report = tally.take();
  for (let time = 0; time < 2; time += 1) if (report !== undefined) metrics.add(report);
  metrics.gauge("nexflow_sockets", () => [{ labels: ["websocket"], value: 3 }]);
  metrics.setDelay("main", { p50: 0, p99: 0.001, max: 0.25 });
  const text = await metrics.render();
  expect(text).toContain("# TYPE nexflow_store_batch_requests histogram\n");
  expect(text).toContain('nexflow_store_batch_requests_bucket{le="1"} 4\n');
  expect(text).toContain('nexflow_store_batch_requests_bucket{le="10"} 6\n');
  expect(text).toContain('nexflow_store_batch_requests_bucket{le="+Inf"} 8\n');
  expect(text).toContain("nexflow_store_batch_requests_sum 1818\n");
  expect(text).toContain("nexflow_store_batch_requests_count 8\n");
  expect(text).toContain('nexflow_sockets{kind="websocket"} 3\n');
  expect(text).toContain('nexflow_model_calls_total{model="a\\"b\\\\c\\nd",state="answered"} 2\n');
  expect(text).toContain('nexflow_event_loop_delay_seconds{thread="main",quantile="1"} 0.25\n');
  expect(text).toContain("process_resident_memory_bytes");
  expect(text).toContain("process_cpu_seconds_total");
});
