import { Worker } from "node:worker_threads";
import type { HostFunction } from "../protocol.ts";
import { HOST_FUNCTIONS, MAX_HOST_CALLS } from "../protocol.ts";

/** What the watchdog tells of the running call; written by the thread that runs the guest. */
export interface Watched {
  /** Whether the watchdog answers yet. */
  isUp(): boolean;
  /** `cpuMs` is the processor time of the process so far. */
  beginCall(cpuMs: number): void;
  /** Between calls nothing counts: the next one is another's. */
  endCall(): void;
  noteHostCall(seq: number, name: HostFunction): void;
}

/** Between calls no processor time counts. */
const NO_CALL = Number.POSITIVE_INFINITY;
const HEAD_BYTES = 16;
const IS_UP = 1;

/**
 * Starts a thread beside the guest that answers while a guest keeps the process busy. For every
 * byte on the watch pipe it tells the processor time of the running call, the memory of the
 * process and which host calls were made; when the pipe ends, the supervisor is gone and this
 * process goes too.
 */
export function startWatchdog(): Watched {
  const shared = new SharedArrayBuffer(HEAD_BYTES + MAX_HOST_CALLS);
  const callBegan = new Float64Array(shared, 0, 1);
  const hostCalls = new Int32Array(shared, 8, 2);
  const names = new Uint8Array(shared, HEAD_BYTES);
  callBegan[0] = NO_CALL;
  // As text, because a thread that loads a file takes longer to start; with streams of its own, so
  // that the process's stdout stays a pipe that blocks.
  const options = { eval: true, workerData: shared, stdout: true, stderr: true };
  new Worker(`(${watch.toString()})()`, options);
  return {
    isUp: () => Atomics.load(hostCalls, IS_UP) === 1,
    beginCall: (cpuMs) => {
      hostCalls[0] = 0;
      callBegan[0] = cpuMs;
    },
    endCall: () => {
      callBegan[0] = NO_CALL;
    },
    noteHostCall: (seq, name) => {
      names[seq - 1] = HOST_FUNCTIONS.indexOf(name);
      Atomics.store(hostCalls, 0, seq);
    },
  };
}

/** Runs alone in its thread: it sees nothing of this file. */
function watch(): void {
  const { Socket } = process.getBuiltinModule("node:net");
  const { workerData } = process.getBuiltinModule("node:worker_threads");
  const shared = workerData as SharedArrayBuffer;
  const callBegan = new Float64Array(shared, 0, 1);
  const hostCalls = new Int32Array(shared, 8, 2);
  const names = new Uint8Array(shared, 16);

  /** Four doubles: processor time of the call, MiB of the process, request, host calls; their names. */
  const report = (request: number) => {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1_000 - (callBegan[0] ?? 0);
    const memoryMiB = process.memoryUsage.rss() / 1_048_576;
    const count = Atomics.load(hostCalls, 0);
    const head = Float64Array.of(Math.max(0, cpuMs), memoryMiB, request, count);
    return Buffer.concat([new Uint8Array(head.buffer), names.slice(0, count)]);
  };
  const die = () => process.kill(process.pid, "SIGKILL");

  const pipe = new Socket({ fd: 3 });
  pipe.on("data", (requests: Buffer) => {
    for (const request of requests) pipe.write(report(request));
  });
  pipe.on("error", die);
  pipe.on("end", die);
  pipe.write(report(0));
  Atomics.store(hostCalls, 1, 1);
}
