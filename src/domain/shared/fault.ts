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
  /** The model cannot be reached or answered with a server error. */
  LLM_UNAVAILABLE: true,
  /** The model's service asks for a pause. */
  LLM_RATE_LIMITED: true,
  /** The model's service refused the key. */
  LLM_UNAUTHORIZED: false,
  /** The model's service refused the request, or the model is unknown. */
  LLM_REFUSED: false,
  /** The model did not answer in time. */
  LLM_TIMEOUT: true,
  /** The model's answer could not be understood or was cut off. */
  LLM_BAD_ANSWER: true,
  /** The sandbox could not be started. */
  SANDBOX_UNAVAILABLE: true,
} as const;

export type FaultCode = keyof typeof RETRYABLE;

/**
 * An expected failure of something outside the code: network, store, model, configuration.
 * Faults lose their class between threads: send `toFailure(fault)` there.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
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
