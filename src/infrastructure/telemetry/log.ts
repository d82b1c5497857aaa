import { pino } from "pino";
import type { Logger } from "#application/ports/logger.ts";
import { LineRedactor } from "./redact.ts";
import type { StreamMask } from "./secret-masker.ts";

export interface LogOptions {
  readonly level: "silent" | "error" | "warn" | "info" | "debug";
  /** Values that must not show in any line, in whatever form. */
  readonly secrets: readonly (string | undefined)[];
  /** Takes one whole line; by default standard output, in readable form on a terminal. */
  readonly write?: (line: string) => void;
}

export interface Log extends Logger, AsyncDisposable {
  /** Takes in values that came to be known later: they show in no line from now on. */
  addSecrets(values: readonly string[]): void;
  /** For text that comes in pieces, each of which is to be a line: a secret may be in two of them. */
  createStreamMask(): StreamMask;
}

/** Fields whose value is masked whatever it is, however deep they lie. */
const SECRET_FIELDS = [
  "token",
  "accessToken",
  "refreshToken",
  "apiKey",
  "password",
  "passphrase",
  "secret",
  "clientSecret",
  "privateKey",
  "credential",
  "authorization",
  "proxyAuthorization",
  "cookie",
  "setCookie",
];
/** As libraries and headers write them. */
const SECRET_NAMES = ["set-cookie", "x-api-key", "api-key", "api_key", "proxy-authorization"];
const LEVELS = ["", "*.", "*.*.", "*.*.*."];

/**
 * Opens the log: one JSON object a line, secrets masked by the field's name and by value. Writes
 * in the background; closing it writes what is left.
 */
export function openLog({ level, secrets, write }: LogOptions): Log {
  const redactor = new LineRedactor(secrets);
  const output = write ? { write, close: () => Promise.resolve() } : openStandardOutput();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
      redact: {
        paths: LEVELS.flatMap(pathsBelow),
        censor: "[redacted]",
      },
    },
    { write: (line) => output.write(redactor.redact(line)) },
  );
  return {
    error: (fields, message) => logger.error(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.info(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    addSecrets: (values) => redactor.add(values),
    createStreamMask: () => redactor.createStream(),
    [Symbol.asyncDispose]: () => output.close(),
  };
}

function pathsBelow(level: string): readonly string[] {
  const bracketed = SECRET_NAMES.map((name) => `${level.slice(0, -1)}["${name}"]`);
  return [...SECRET_FIELDS.map((name) => `${level}${name}`), ...bracketed];
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
