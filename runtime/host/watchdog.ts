import { Socket } from "node:net";
import process from "node:process";
import { workerData } from "node:worker_threads";

/**
 * Runs in a thread beside the guest, so that it answers while a guest keeps the process busy. For
 * every byte on the watch pipe it tells the processor time of the running call and the memory of the
 * process; when the pipe ends, the supervisor is gone and this process goes too.
 */
const WATCH_FD = 3;
const REPORT_BYTES = 24;
const MIB = 1_048_576;

/** The processor time of the process, in milliseconds, when the running call began. */
const callBegan = new Float64Array(workerData as SharedArrayBuffer);
const pipe = new Socket({ fd: WATCH_FD });
pipe.on("data", (requests: Buffer) => {
  for (const call of requests) pipe.write(report(call));
});
pipe.on("error", die);
pipe.on("end", die);
pipe.write(report(0));

/** Three doubles: processor time, memory, and which request this answers. */
function report(call: number): Buffer {
  const bytes = Buffer.alloc(REPORT_BYTES);
  const { user, system } = process.cpuUsage();
  bytes.writeDoubleLE(Math.max(0, (user + system) / 1_000 - (callBegan[0] ?? 0)), 0);
  bytes.writeDoubleLE(process.memoryUsage.rss() / MIB, 8);
  bytes.writeDoubleLE(call, 16);
  return bytes;
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}
