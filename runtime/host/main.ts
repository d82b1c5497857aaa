import { setImmediate as nextTurn } from "node:timers/promises";
import v8 from "node:v8";
import type { HostCallFrame, HostOutcome } from "../protocol.ts";
import { GuestStop, toOutcome } from "./guest-stop.ts";
import { HostCalls } from "./host-calls.ts";
import { warmUp } from "./load-late.ts";
import { type Order, SupervisorPipe } from "./supervisor-pipe.ts";
import { getContract, Units } from "./units.ts";
import { startWatchdog } from "./watchdog.ts";

/*
 * The program of a sandbox process: runs one call after the other, told by frames on stdin. Nothing
 * here imports `node:process`: that opens stdin and stdout as streams, which no longer block.
 */

const NO_OUTPUT = "";
/** The event loop, which nothing here waits in, gets its turn after so many orders. */
const ORDERS_PER_TURN = 64;

// This program itself may not make code from strings; guests, in contexts made later, may.
v8.setFlagsFromString("--no-disallow-code-generation-from-strings");
const units = new Units();
const pipe = new SupervisorPipe();
const watched = startWatchdog();
pipe.send({ kind: "ready" });
await serve();

async function serve(): Promise<never> {
  for (let orders = 1; ; orders += 1) {
    const order = pipe.next();
    if (order === undefined) process.exit();
    handle(order);
    if (orders % ORDERS_PER_TURN === 0) await nextTurn();
  }
}

function handle({ frame, body }: Order): void {
  switch (frame.kind) {
    case "warm-up":
      warmUp();
      return pipe.send({ kind: "prepared", digest: "", spares: 0 });
    case "load":
      return units.load(frame.digest, body);
    case "drop":
      return units.drop(frame.digest);
    case "prepare":
      return prepare(frame.digest, frame.memoryMiB);
    case "call":
      return run(frame, body.toString());
    case "answer":
      // To an ask of a call that has ended.
      return;
    default:
      return frame satisfies never;
  }
}

function prepare(digest: string, memoryMiB: number): void {
  const engine = units.find(digest)?.engine;
  engine?.prepare(memoryMiB);
  pipe.send({ kind: "prepared", digest, spares: engine?.spares ?? 0 });
}

function run(frame: HostCallFrame, input: string): void {
  const cpuBeforeMs = cpuMsOfProcess();
  watched.beginCall(cpuBeforeMs);
  const hostCalls = new HostCalls({ frame, pipe, watched });
  const { outcome, output, memoryMiB } = execute(frame, input, hostCalls);
  const { epoch, call } = frame;
  const cpuMs = cpuMsOfProcess() - cpuBeforeMs;
  watched.endCall();
  const engine = units.find(frame.digest)?.engine;
  const spares = engine?.spares ?? 0;
  pipe.send(
    { kind: "result", epoch, call, outcome, cpuMs, memoryMiB, spares, notes: hostCalls.notes },
    Buffer.from(output),
  );
  if (engine?.isQuickToPrepare === true) engine.prepare(frame.limits.memoryMiB);
}

function cpuMsOfProcess(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface Executed {
  readonly outcome: HostOutcome;
  readonly output: string;
  readonly memoryMiB: number;
}

function execute(frame: HostCallFrame, input: string, hostCalls: HostCalls): Executed {
  try {
    const unit = units.get(frame.digest);
    const contract = getContract(unit, frame.tool);
    contract.checkInput(input);
    const { output, memoryMiB } = unit.engine.call({ frame, input, hostCalls });
    if (hostCalls.stop !== undefined) throw hostCalls.stop;
    contract.checkOutput(output);
    return { outcome: { kind: "ok" }, output, memoryMiB };
  } catch (error) {
    return { outcome: toOutcome(causeOf(error, hostCalls)), output: NO_OUTPUT, memoryMiB: 0 };
  }
}

/** A guest may catch what stopped it and fail of something else: the stop is what counts. */
function causeOf(error: unknown, { stop, denial }: HostCalls): unknown {
  if (stop !== undefined || error instanceof GuestStop) return stop ?? error;
  return denial ?? error;
}
