/** Structured log lines; secrets are masked by the implementation. An `error` field may hold an `Error`. */
export interface Logger {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;
