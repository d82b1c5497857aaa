import { HOST_FUNCTIONS, type HostFunction, MAX_HOST_CALLS } from "../protocol.ts";

/** What a watchdog tells of its process and the running call. */
export interface WatchReport {
  /** Processor time of the call. */
  readonly cpuMs: number;
  /** Memory of the process. */
  readonly memoryMiB: number;
  /** The byte that was answered. */
  readonly request: number;
  /** The host calls that were made so far. */
  readonly names: readonly HostFunction[];
}

const HEAD_BYTES = 32;

/** Cuts what a watchdog writes into reports: four doubles, the last the number of bytes after. */
export class WatchReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The reports that `chunk` completes. Throws `RangeError` when the bytes are no reports. */
  push(chunk: Buffer): WatchReport[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const reports: WatchReport[] = [];
    while (rest.length >= HEAD_BYTES) {
      const count = asCount(rest.readDoubleLE(24));
      if (rest.length < HEAD_BYTES + count) break;
      reports.push({
        cpuMs: asAmount(rest.readDoubleLE(0)),
        memoryMiB: asAmount(rest.readDoubleLE(8)),
        request: rest.readDoubleLE(16),
        names: [...rest.subarray(HEAD_BYTES, HEAD_BYTES + count)].map(asName),
      });
      rest = rest.subarray(HEAD_BYTES + count);
    }
    this.#rest = rest;
    return reports;
  }
}

function asCount(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_HOST_CALLS) return value;
  throw new RangeError(`Cannot read a report of ${value} host calls`);
}

/** What is no number is above no limit either. */
function asAmount(value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new RangeError(`Cannot read a report of the amount ${value}`);
}

function asName(code: number): HostFunction {
  const name = HOST_FUNCTIONS[code];
  if (name === undefined) throw new RangeError(`Cannot read host call ${code}`);
  return name;
}
