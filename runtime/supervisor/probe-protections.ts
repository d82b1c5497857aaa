/** One layer around skills and whether this host has it. */
export interface Protection {
  readonly name: string;
  readonly isInForce: boolean;
  readonly detail: string;
  /** What an operator can do, where there is something. */
  readonly remedy?: string;
}

/** Tries every protection on this host, for real, and tells which ones hold. */
export async function probeProtections(): Promise<readonly Protection[]> {
  throw new Error("Cannot probe the protections of this host: being built");
}
