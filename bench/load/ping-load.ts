import { openSocket } from "./open-socket.ts";

/*
 * A client that does nothing but ask whether the gateway still answers at once. It is a process
 * of its own: in the one of the load it would measure how busy that is. Told "report", it tells
 * its parent what it saw since it was told "measure", in milliseconds.
 */

const PAUSE_MS = 5;

const socket = await openSocket(
  JSON.parse(process.argv[2] ?? "") as { url: string; token: string },
);
let pingMs: number[] = [];
let sentAtMs = 0;

socket.on("message", () => {
  pingMs.push(performance.now() - sentAtMs);
  setTimeout(ping, PAUSE_MS);
});
process.on("message", (order: "measure" | "report") => {
  if (order === "measure") pingMs = [];
  else process.send?.(pingMs, () => process.exit());
});
ping();

function ping(): void {
  sentAtMs = performance.now();
  socket.send('{"type":"ping","id":1}');
}
