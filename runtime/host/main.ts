import { writeSync } from "node:fs";
import process from "node:process";
import v8 from "node:v8";
import type { FromHost, HostCallFrame, HostOutcome, ToHost } from "../protocol.ts";
import { FrameReader, parseToHost, toFrame } from "../protocol.ts";
import { GuestStop, toOutcome } from "./guest-stop.ts";
import { HostCalls } from "./host-calls.ts";
import { getContract, Units } from "./units.ts";
import { startWatchdog } from "./watchdog.ts";

/** The program of a sandbox process: runs one call after the other, told by frames on stdin. */
const STDOUT_FD = 1;
const NO_OUTPUT = "";
/** Between calls nothing counts: the next one is another's. */
const NO_CALL = Number.POSITIVE_INFINITY;

const units = new Units();
const reader = new FrameReader();

// This program itself may not make code from strings; guests, in contexts made later, may.
v8.setFlagsFromString("--no-disallow-code-generation-from-strings");
const callBegan = startWatchdog();
process.stdin.on("data", (chunk: Buffer) => {
  for (const { head, body } of reader.push(chunk)) handle(parseToHost(head), body);
});
send({ kind: "ready" });

function handle(frame: ToHost, body: Buffer): void {
  switch (frame.kind) {
    case "load":
      return units.load(frame.digest, body);
    case "drop":
      return units.drop(frame.digest);
    case "call":
      run(frame, body.toString());
      return units.get(frame.digest).engine.prepare();
    default:
      return frame satisfies never;
  }
}

function run(frame: HostCallFrame, input: string): void {
  const cpuBeforeMs = cpuMsOfProcess();
  callBegan[0] = cpuBeforeMs;
  const hostCalls = new HostCalls(frame);
  const { outcome, output, memoryMiB } = execute(frame, input, hostCalls);
  const { epoch, call } = frame;
  const { served, logs } = hostCalls;
  const cpuMs = cpuMsOfProcess() - cpuBeforeMs;
  callBegan[0] = NO_CALL;
  send(
    { kind: "result", epoch, call, outcome, cpuMs, memoryMiB, hostCalls: served, logs },
    Buffer.from(output),
  );
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

function send(frame: FromHost, body?: Uint8Array): void {
  const bytes = toFrame(frame, body);
  for (let at = 0; at < bytes.length; ) at += writeSync(STDOUT_FD, bytes, at);
}
