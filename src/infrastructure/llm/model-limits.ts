/** What one answer of a model may take; past each of them it ends with a `Fault`. */
export interface ModelLimits {
  /** To the first thing that the model says, its thoughts included; keep-alives say nothing. */
  readonly firstTokenMs: number;
  /** From one thing that it says to the next. */
  readonly betweenTokensMs: number;
  /** From the request to the end of the answer. */
  readonly totalMs: number;
  /** Text, thoughts and tool arguments in all; a turn has room for the answer of a fallback too. */
  readonly maxAnswerChars: number;
  /** The arguments of one tool call. */
  readonly maxToolInputChars: number;
  /** One event of the stream. */
  readonly maxEventChars: number;
  /** The whole stream, with what is in it beside the answer. */
  readonly maxStreamBytes: number;
}

const USUAL: ModelLimits = {
  firstTokenMs: 120_000,
  betweenTokensMs: 60_000,
  totalMs: 600_000,
  maxAnswerChars: 500_000,
  maxToolInputChars: 256_000,
  maxEventChars: 4_000_000,
  maxStreamBytes: 64_000_000,
};

/** `given` where it says something, else the usual limits. */
export function toLimits(given: Partial<ModelLimits>): ModelLimits {
  return {
    firstTokenMs: given.firstTokenMs ?? USUAL.firstTokenMs,
    betweenTokensMs: given.betweenTokensMs ?? USUAL.betweenTokensMs,
    totalMs: given.totalMs ?? USUAL.totalMs,
    maxAnswerChars: given.maxAnswerChars ?? USUAL.maxAnswerChars,
    maxToolInputChars: given.maxToolInputChars ?? USUAL.maxToolInputChars,
    maxEventChars: given.maxEventChars ?? USUAL.maxEventChars,
    maxStreamBytes: given.maxStreamBytes ?? USUAL.maxStreamBytes,
  };
}
