import { test } from "vitest";
import type { BreakerState } from "#infrastructure/llm/routing/breaker.ts";
import { openMetrics } from "../../src/compose-metrics.ts";

test("openMetrics() tells a breaker that is open in the last thread, however many others there are", async ({
  expect,
}) => {
  const metrics = openMetrics();
  const closed = Array.from({ length: 60 }, (_, id) => measure(`openai/invented-${id}`, "closed"));
  metrics.takeThread(threadOf("agent-1", closed));
  metrics.takeThread(threadOf("agent-2", [measure("openai/real", "open")]));
  metrics.takeThread(threadOf("agent-3", [measure("openai/real", "closed")]));
  const lines = (await metrics.render()).split("\n");
  const ofReal = lines.filter((line) => line.startsWith("nexflow_model_breakers{"));
  expect(ofReal).toContain('nexflow_model_breakers{model="openai/real",state="open"} 1');
  expect(ofReal).toContain('nexflow_model_breakers{model="openai/real",state="closed"} 1');
  expect(ofReal).toContain('nexflow_model_breakers{model="other",state="open"} 0');
  expect(ofReal).toContain('nexflow_model_breakers{model="other",state="closed"} 11');
});

function measure(model: string, state: BreakerState) {
  return { model, state };
}

function threadOf(thread: string, breakers: readonly ReturnType<typeof measure>[]) {
  return {
    thread,
    report: undefined,
    delay: { p50: 0, p99: 0, max: 0 },
    sandbox: { processes: { spare: 0, idle: 0, busy: 0 }, queued: 0, quarantined: 0 },
    breakers,
  };
}
