import ivm from "isolated-vm";
import type { JsonValue } from "../../runtime/index.ts";
import { type Arm, ECHO_FUNCTION } from "./arm.ts";

const MEMORY_MIB = 64;
const TIMEOUT_MS = 5_000;

/** isolated-vm as its guide shows it: a new isolate for each call, in this process. */
export async function openRawIsolatedVm(): Promise<Arm> {
  return {
    call: async (input) => JSON.parse(runInNewIsolate(JSON.stringify(input))) as JsonValue,
    close: async () => undefined,
  };
}

function runInNewIsolate(text: string): string {
  const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MIB });
  try {
    const context = isolate.createContextSync();
    const echo = context.evalSync(ECHO_FUNCTION, { reference: true });
    return echo.applySync(undefined, [text], { timeout: TIMEOUT_MS }) as string;
  } finally {
    isolate.dispose();
  }
}
