/** What one answer of a model took. */
export interface TokenUsage {
  /** All that the model read, what it had in its cache included. */
  readonly inputTokens: number;
  /** All that it wrote, reasoning included. */
  readonly outputTokens: number;
  /** Of the input: what came from the service's cache. */
  readonly cachedInputTokens?: number;
  /** Of the input: what was put into the service's cache. */
  readonly cacheWriteTokens?: number;
  /** Of the output. */
  readonly reasoningTokens?: number;
  /** Counted here, since the service did not say. */
  readonly isEstimated?: boolean;
}
