/** What a client of the `resume` benchmark has of its session, beside what is there. */
export type Lack =
  /** Nothing: it will hear of what comes next. */
  | "nothing"
  /** The last 50 events. */
  | "events"
  /** So much that it gets a snapshot instead. */
  | "too-much";

export interface ResumingClient {
  readonly token: string;
  readonly sessionId: string;
  readonly lack: Lack;
  /** The last event it has. */
  readonly after: number;
  readonly epoch: number;
  /** The last event there is. */
  readonly headSeq: number;
  /** Its own address: of the loopback network each has some ten thousand ports. */
  readonly localAddress: string;
}

/** From the parent to a process of the load. */
export type ResumeOrder =
  | { readonly kind: "go"; readonly url: string; readonly clients: readonly ResumingClient[] }
  | { readonly kind: "end" };

/** What a process of the load saw, in milliseconds from its order on. */
export interface ResumeReport {
  /** From the first attempt to connect until a client has all it lacked. */
  readonly resumedMs: readonly number[];
  /** When the last client was signed in. */
  readonly signedInMs: number;
  /** When the last client had all it lacked. */
  readonly allMs: number;
  /** Connections that had to be tried again. */
  readonly retries: number;
  /** Clients that did not get exactly what they lacked, or not in a minute. */
  readonly failed: number;
  /** Of some clients that lacked nothing: how many heard of a turn that ran then. */
  readonly heard: number;
  readonly asked: number;
}
