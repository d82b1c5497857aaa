import { threadId } from "node:worker_threads";
import type { RuntimeStats } from "../../../runtime/index.ts";
import type { BreakerState } from "../llm/routing/breaker.ts";
import { type LoopDelay, watchLoopDelay } from "./loop-delay.ts";
import type { Tally, TallyReport } from "./tally.ts";

/** What an agent thread tells of itself, once a second. */
export interface ThreadMeasures {
  readonly thread: string;
  readonly report: TallyReport | undefined;
  readonly delay: LoopDelay;
  readonly sandbox: SandboxMeasures;
  readonly breakers: readonly BreakerMeasure[];
}

/** How the thread's circuit breaker for a model stands. */
export interface BreakerMeasure {
  readonly model: string;
  readonly state: BreakerState;
}

export interface SandboxMeasures {
  readonly processes: Readonly<Record<"spare" | "idle" | "busy", number>>;
  readonly queued: number;
  readonly quarantined: number;
}

export interface ThreadMeterOptions {
  readonly tally: Tally;
  readonly readSandbox: () => Pick<
    RuntimeStats,
    "kills" | "processes" | "quarantined" | "queued" | "starts"
  >;
  readonly readBreakers: () => readonly BreakerMeasure[];
  readonly send: (measures: ThreadMeasures) => void;
}

const EVERY_MS = 1_000;

/** Tells once a second what `tally` has and how the thread and its sandbox are. */
export function startThreadMeter(options: ThreadMeterOptions): void {
  const { tally, readSandbox, readBreakers, send } = options;
  const readDelay = watchLoopDelay();
  let told = { kills: 0, starts: 0 };
  const tell = () => {
    const { kills, starts, processes, queued, quarantined } = readSandbox();
    tally.count("nexflow_sandbox_kills_total", kills - told.kills);
    tally.count("nexflow_sandbox_starts_total", starts - told.starts);
    told = { kills, starts };
    const count = (state: string) => processes.filter((each) => each.state === state).length;
    send({
      thread: `agent-${threadId}`,
      report: tally.take(),
      delay: readDelay(),
      sandbox: {
        processes: { spare: count("spare"), idle: count("idle"), busy: count("busy") },
        queued,
        quarantined: quarantined.length,
      },
      breakers: readBreakers(),
    });
  };
  setInterval(tell, EVERY_MS).unref();
}
