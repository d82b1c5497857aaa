import { monitorEventLoopDelay } from "node:perf_hooks";

/** How late an event loop was, in seconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const RESOLUTION_MS = 10;
const NANO = 1e9;

/** Watches the event loop of the thread it is called in; gives what was since it was asked last. */
export function watchLoopDelay(): () => LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // What is measured is the time between two ticks of a clock, so the clock's own is taken off.
  const late = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / NANO - RESOLUTION_MS / 1_000) : 0;
  return () => {
    const delay = {
      p50: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
    };
    histogram.reset();
    return delay;
  };
}
