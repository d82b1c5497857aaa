import type { LogFields, Logger } from "#application/ports/logger.ts";

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export function createMemoryLog(): { readonly log: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (fields: LogFields, message: string) => {
    lines.push({ level, message, fields });
  };
  return {
    log: { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") },
    lines,
  };
}
