import type { TurnDispatcher } from "#application/dispatch-turns/turn-dispatcher.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import { BREAKER_STATES, type BreakerState } from "#infrastructure/llm/routing/breaker.ts";
import { watchLoopDelay } from "#infrastructure/telemetry/loop-delay.ts";
import { Metrics } from "#infrastructure/telemetry/metrics.ts";
import { OTHER } from "#infrastructure/telemetry/tally.ts";
import type {
  BreakerMeasure,
  SandboxMeasures,
  ThreadMeasures,
} from "#infrastructure/telemetry/thread-meter.ts";
import type { AgentPool } from "#infrastructure/workers/agent-pool.ts";
import type { Gateway } from "#presentation/gateway/gateway.ts";

/*
 * What is measured in each thread, put together for who asks for `/metrics`.
 */

export interface MeasuredParts {
  readonly dispatcher: Pick<TurnDispatcher, "inFlight">;
  readonly pool: Pick<AgentPool, "running">;
  readonly gateway: Pick<Gateway, "counts">;
  readonly approvals: Pick<ApprovalRepository, "countPending">;
}

export function openMetrics() {
  const metrics = new Metrics();
  const readDelay = watchLoopDelay();
  let pending: number | undefined;
  let readPending = async (): Promise<number | undefined> => undefined;
  const sandboxes = new Map<string, SandboxMeasures>();
  const breakers = new Map<string, readonly BreakerMeasure[]>();
  const sumOf = (read: (sandbox: SandboxMeasures) => number) =>
    [...sandboxes.values()].reduce((sum, each) => sum + read(each), 0);
  metrics.gauge("nexflow_sandbox_processes", () =>
    (["spare", "idle", "busy"] as const).map((state) => ({
      labels: [state],
      value: sumOf(({ processes }) => processes[state]),
    })),
  );
  metrics.gauge("nexflow_model_breakers", () => countBreakers(breakers.values()));
  metrics.gauge("nexflow_sandbox_queued", () => only(sumOf(({ queued }) => queued)));
  metrics.gauge("nexflow_sandbox_quarantined", () => only(sumOf((each) => each.quarantined)));
  return {
    takeThread: ({ thread, report, delay, sandbox, breakers: own }: ThreadMeasures): void => {
      metrics.setDelay(thread, delay);
      sandboxes.set(thread, sandbox);
      breakers.set(thread, own);
      if (report !== undefined) metrics.add(report);
    },
    takeStore: ({ report, delay }: Pick<ThreadMeasures, "delay" | "report">): void => {
      metrics.setDelay("store", delay);
      if (report !== undefined) metrics.add(report);
    },
    /** Reads what parts have of themselves whenever the metrics are asked for. */
    watch({ dispatcher, pool, gateway, approvals }: MeasuredParts): void {
      readPending = () => approvals.countPending();
      metrics.gauge("nexflow_approvals_pending", () =>
        pending === undefined ? [] : only(pending),
      );
      metrics.gauge("nexflow_turns_in_flight", () => only(dispatcher.inFlight));
      metrics.gauge("nexflow_turns_running", () => only(pool.running));
      metrics.gauge("nexflow_turns_queued", () => only(dispatcher.inFlight - pool.running));
      metrics.gauge("nexflow_sockets", () =>
        Object.entries(gateway.counts).map(([kind, value]) => ({ labels: [kind], value })),
      );
    },
    async render(): Promise<string> {
      metrics.setDelay("main", readDelay());
      // What a store that is away cannot tell is left out; the rest is told all the same.
      pending = await readPending().catch(() => undefined);
      return metrics.render();
    },
  };
}

/** So many models' breakers are told one by one; those beyond are told as one. */
const MAX_MODELS = 50;

/** Those that are told one by one first: what is left alone in any thread is to be seen. */
const MOST_TELLING: readonly BreakerState[] = ["open", "half-open", "closed"];

/** Agent threads by how they hold it with a model: it is their own affair, see `ModelRouter`. */
function countBreakers(all: Iterable<readonly BreakerMeasure[]>) {
  const models = new Map<string, Map<BreakerState, number>>();
  const rankOf = ({ state }: BreakerMeasure) => MOST_TELLING.indexOf(state);
  const told = [...all].flat().toSorted((one, other) => rankOf(one) - rankOf(other));
  for (const { model, state } of told) {
    const name = models.has(model) || models.size < MAX_MODELS ? model : OTHER;
    const counts = models.get(name) ?? new Map(BREAKER_STATES.map((each) => [each, 0]));
    models.set(name, counts.set(state, (counts.get(state) ?? 0) + 1));
  }
  return [...models].flatMap(([model, counts]) =>
    [...counts].map(([state, value]) => ({ labels: [model, state], value })),
  );
}

function only(value: number) {
  return [{ labels: [], value }];
}
