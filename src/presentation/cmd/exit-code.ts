import { CommanderError } from "commander";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130, config: 78 } as const;

/** What somebody typed cannot be carried out as it stands. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const CONFIG_FAULTS: ReadonlySet<string> = new Set<FaultCode>([
  "CONFIG_INVALID",
  "STORE_LOCKED",
  "STORE_TOO_NEW",
]);

/** The exit code that `error` stands for. */
export function toExitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Fault && CONFIG_FAULTS.has(error.code)) return EXIT.config;
  return EXIT.failed;
}
