/** Structured log lines; secrets are masked by the implementation. An `error` field may hold an `Error`. */
export interface Logger {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** The same log, each of whose lines has `common` too. */
export function withFields(log: Logger, common: LogFields): Logger {
  return {
    error: (fields, message) => log.error({ ...common, ...fields }, message),
    warn: (fields, message) => log.warn({ ...common, ...fields }, message),
    info: (fields, message) => log.info({ ...common, ...fields }, message),
    debug: (fields, message) => log.debug({ ...common, ...fields }, message),
  };
}
