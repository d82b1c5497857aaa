import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";

/*
 * Stands between Nexflow and an MCP server that is a program: it starts the server in its own group
 * of processes and ends the whole group when Nexflow goes away, however that happens. The server
 * speaks over the pipes that this process was given; only what it complains of goes through here,
 * and no more of that than somebody may read.
 */

const STDERR_MOST_BYTES = 65_536;
/** Ends where Nexflow has closed its end, or is dead. */
const LIFELINE_FD = 3;

const [command = "", ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ["inherit", "inherit", "pipe"] });
let shown = 0;

server.stderr.on("data", (chunk: Buffer) => {
  if (shown >= STDERR_MOST_BYTES) return;
  process.stderr.write(chunk.subarray(0, STDERR_MOST_BYTES - shown));
  shown += chunk.byteLength;
});
server.on("error", (error) => {
  process.stderr.write(`Cannot start the server: ${error.message}\n`, end);
});
// What it has started itself may still hold its pipes.
server.on("exit", () => setImmediate(end));
const lifeline = createReadStream("", { fd: LIFELINE_FD });
lifeline.on("error", end);
lifeline.on("end", end);
lifeline.resume();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);

function end(): void {
  // This process leads the group and goes with it.
  process.kill(-process.pid, "SIGKILL");
}
