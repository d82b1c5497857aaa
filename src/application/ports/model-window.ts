/** How much a model takes in and gives out at a time. */
export interface ModelWindow {
  /** `<provider>/<model>`, as an alias or the default stands for it. */
  readonly model: string;
  /** Tokens of input and output together; nothing where nobody knows. */
  readonly contextTokens?: number | undefined;
  /** Tokens that its answer may take. */
  readonly outputTokens?: number | undefined;
}

/** Looks a model, an alias or (`undefined`) the default model up. Never throws. */
export type FindModelWindow = (model: string | undefined) => ModelWindow;
