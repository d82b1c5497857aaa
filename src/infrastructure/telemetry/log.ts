import { pino } from "pino";
import type { Logger } from "#application/ports/logger.ts";
import { createRedactor } from "./redact.ts";

export interface LogOptions {
  readonly level: "silent" | "error" | "warn" | "info" | "debug";
  /** Values that must not show in any line, in whatever form. */
  readonly secrets: readonly (string | undefined)[];
  /** Takes one whole line; by default standard output, in readable form on a terminal. */
  readonly write?: (line: string) => void;
}

export interface Log extends Logger, AsyncDisposable {}

/** Fields whose value is masked whatever it is. */
const SECRET_FIELDS = ["token", "apiKey", "password", "secret", "authorization", "cookie"];

/**
 * Opens the log: one JSON object a line, secrets masked by the field's name and by value. Writes
 * in the background; closing it writes what is left.
 */
export function openLog({ level, secrets, write }: LogOptions): Log {
  const redact = createRedactor(secrets);
  const output = write ? { write, close: () => Promise.resolve() } : openStandardOutput();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: "[redacted]",
      },
    },
    { write: (line) => output.write(redact(line)) },
  );
  return {
    error: (fields, message) => logger.error(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.info(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    [Symbol.asyncDispose]: () => output.close(),
  };
}

function openStandardOutput() {
  const stdout = pino.destination({ fd: 1, sync: false });
  const format = process.stdout.isTTY ? toReadable : (line: string) => line;
  return {
    write: (line: string) => void stdout.write(format(line)),
    close: () =>
      new Promise<void>((resolve, reject) => {
        stdout.flush((error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** "12:00:00 warn message {fields}": the same line for a person at a terminal. */
function toReadable(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
  return `${String(time).slice(11, 19)} ${String(level)} ${String(msg)}${rest}\n`;
}
