import { Worker } from "node:worker_threads";

/**
 * Starts a thread beside the guest that answers while a guest keeps the process busy. For every
 * byte on the watch pipe it tells the processor time of the running call and the memory of the
 * process; when the pipe ends, the supervisor is gone and this process goes too. Gives back where
 * to note the processor time of the process, in milliseconds, when a call begins.
 */
export function startWatchdog(): Float64Array<SharedArrayBuffer> {
  const callBegan = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  // As text, because a thread that loads a TypeScript file takes 200 ms more to start.
  new Worker(`(${watch.toString()})()`, { eval: true, workerData: callBegan.buffer });
  return callBegan;
}

/** Runs alone in its thread: it sees nothing of this file. */
function watch(): void {
  const { Socket } = process.getBuiltinModule("node:net");
  const { workerData } = process.getBuiltinModule("node:worker_threads");
  const callBegan = new Float64Array(workerData as SharedArrayBuffer);

  /** Three doubles: processor time of the call, MiB of the process, which request this answers. */
  const report = (request: number) => {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1_000 - (callBegan[0] ?? 0);
    const memoryMiB = process.memoryUsage.rss() / 1_048_576;
    return new Uint8Array(Float64Array.of(Math.max(0, cpuMs), memoryMiB, request).buffer);
  };
  const die = () => process.kill(process.pid, "SIGKILL");

  const pipe = new Socket({ fd: 3 });
  pipe.on("data", (requests: Buffer) => {
    for (const request of requests) pipe.write(report(request));
  });
  pipe.on("error", die);
  pipe.on("end", die);
  pipe.write(report(0));
}
