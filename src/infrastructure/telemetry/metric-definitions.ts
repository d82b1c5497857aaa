export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, for a histogram. */
  readonly buckets?: readonly number[];
}

const TURN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STORE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** What `/metrics` tells, beside what prom-client says of the process itself. */
export const METRICS = {
  nexflow_turns_total: counter("Turns that ended, by how they did", "state"),
  nexflow_turn_failures_total: counter("Turns that failed, by the code of the failure", "code"),
  nexflow_turn_seconds: histogram("From a message's acceptance to its turn's end", TURN_SECONDS),
  nexflow_turn_first_token_seconds: histogram(
    "From a message's acceptance to the first text of its answer",
    TURN_SECONDS,
  ),
  nexflow_turn_pauses_total: counter("Times that turns began to wait for approvals"),
  nexflow_turns_in_flight: gauge("Turns that this instance has in hand, waiting ones included"),
  nexflow_turns_running: gauge("Turns that run at the moment"),
  nexflow_turns_queued: gauge("Turns that wait here for the one before them"),
  nexflow_model_breakers: gauge(
    "Agent threads that have asked a model, by how their circuit breaker for it stands",
    "model",
    "state",
  ),
  nexflow_steps_total: counter("Answers that models gave in turns"),
  nexflow_model_calls_total: counter("Attempts of models, by how they ended", "model", "state"),
  nexflow_model_failures_total: counter(
    "Attempts of models that failed, by the code of the failure",
    "model",
    "code",
  ),
  nexflow_model_call_seconds: histogram("How long attempts of models took", TURN_SECONDS, "model"),
  nexflow_tokens_total: counter(
    "Tokens; those that came from a cache, went into one or were reasoning are in input and output too",
    "model",
    "kind",
  ),
  nexflow_cost_usd_total: counter("What models cost, in US dollars", "model"),
  nexflow_tool_calls_total: counter(
    "Calls of tools, by how they ended and the gravest effect that the tool declares",
    "skill",
    "outcome",
    "effect",
  ),
  nexflow_tool_call_seconds: histogram("How long calls of tools took", CALL_SECONDS, "skill"),
  nexflow_approvals_pending: gauge("Approvals that wait for somebody"),
  nexflow_approvals_requested_total: counter("Approvals that turns asked for"),
  nexflow_approvals_decided_total: counter("Approvals that were decided, by how", "decision"),
  nexflow_host_calls_total: counter("What skills asked for outside of their sandbox", "decision"),
  nexflow_sandbox_processes: gauge("Sandbox processes, by what they do", "state"),
  nexflow_sandbox_queued: gauge("Calls that wait for a sandbox process"),
  nexflow_sandbox_quarantined: gauge("Skills that are out of use for what they did"),
  nexflow_sandbox_kills_total: counter("Sandbox processes that a call cost"),
  nexflow_sandbox_starts_total: counter("Sandbox processes that were started"),
  nexflow_sockets: gauge("Open connections of clients, by kind", "kind"),
  nexflow_store_call_seconds: histogram(
    "How long the store had a batch in hand, from its first request to the answer",
    STORE_SECONDS,
  ),
  nexflow_store_batch_requests: histogram("Requests that the store answered at once", BATCH_SIZES),
  nexflow_event_loop_delay_seconds: gauge(
    "How late a thread's event loop was in the last seconds",
    "thread",
    "quantile",
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;

function counter(help: string, ...labels: readonly string[]): MetricDefinition {
  return { kind: "counter", help, labels };
}

function gauge(help: string, ...labels: readonly string[]): MetricDefinition {
  return { kind: "gauge", help, labels };
}

function histogram(
  help: string,
  buckets: readonly number[],
  ...labels: readonly string[]
): MetricDefinition {
  return { kind: "histogram", help, labels, buckets };
}
