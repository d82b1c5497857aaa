/** Every code a `Fault` may carry, and whether trying again later can help. */
const RETRYABLE = {
  /** The environment or a configuration file holds a value that cannot be used. */
  CONFIG_INVALID: false,
  /** The database cannot be opened, read or written. */
  STORE_UNAVAILABLE: true,
  /** The database was written by a newer program. */
  STORE_TOO_NEW: false,
  /** Another process serves this data directory. */
  STORE_LOCKED: false,
  /** A backup cannot be written. */
  BACKUP_FAILED: true,
  /** A backup is damaged, no backup at all, or written by a newer program. */
  BACKUP_INVALID: false,
  /** Data would be written over other data. */
  STORE_NOT_EMPTY: false,
  /** What connects instances cannot be reached. */
  BUS_UNAVAILABLE: true,
  /** A write came from a run that no longer owns its turn. */
  TURN_FENCED: false,
  /** A turn took longer than it may. */
  TURN_TIMEOUT: false,
  /** A budget does not let a turn go on. */
  BUDGET_EXCEEDED: false,
  /** An operator has stopped all agents. */
  STOPPED: true,
  /** A message that was to join a turn has a run of its own by now. */
  TURN_JOINED: false,
  /** The model cannot be reached or answered with a server error. */
  LLM_UNAVAILABLE: true,
  /** The model's service asks for a pause. */
  LLM_RATE_LIMITED: true,
  /** The model's service refused the key. */
  LLM_UNAUTHORIZED: false,
  /** The model's service refused the request, or the model is unknown. */
  LLM_REFUSED: false,
  /** The model that was chosen is not one of those that people may choose. */
  LLM_NOT_ALLOWED: false,
  /** The model did not answer in time. */
  LLM_TIMEOUT: true,
  /** The model failed too often just now: it is left alone for a while. */
  LLM_PAUSED: true,
  /** The model's answer could not be understood or was cut off. */
  LLM_BAD_ANSWER: true,
  /** The sandbox could not be started. */
  SANDBOX_UNAVAILABLE: true,
} as const;

export type FaultCode = keyof typeof RETRYABLE;

export interface FaultOptions extends ErrorOptions {
  /** How long whoever failed asks to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * An expected failure of something outside the code: network, store, model, configuration.
 * Faults lose their class between threads: send `toFailure(fault)` there.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get isRetryable(): boolean {
    return RETRYABLE[this.code];
  }
}

/** A failure as data: what people and other threads see of an error. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** The failure that `error` stands for. A bug shows as `INTERNAL` and never with its own text. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Fault) return { code: error.code, message: error.message };
  return { code: "INTERNAL", message: "Something went wrong inside Nexflow; the log has details" };
}
