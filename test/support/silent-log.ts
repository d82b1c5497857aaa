import type { Logger } from "../../src/application/ports/logger.ts";

/** A log that keeps nothing. */
export const silentLog: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
