import { randomUUID } from "node:crypto";

/** What a test needs to know of an approval. */
export interface AskedApproval {
  readonly id: string;
  readonly turnId: string;
  readonly sessionId: string;
  readonly state: string;
  readonly card: {
    readonly tool: string;
    readonly input: Readonly<Record<string, unknown>>;
    readonly inputHash: string;
    readonly reason: string;
    readonly rule: string;
    readonly reaches: readonly string[];
  };
}

export interface RestAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON as it came over the wire
  readonly json: any;
}

const QUIET = new Set(["waiting", "completed", "failed", "cancelled"]);

/** A user of the REST API who sends messages, waits for turns and decides about calls. */
export class SessionClient {
  readonly #at: { readonly url: string; readonly token: string };

  constructor(at: { readonly url: string; readonly token: string }) {
    this.#at = at;
  }

  async ask(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const response = await fetch(`${this.#at.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#at.token}`, "idempotency-key": randomUUID() },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
  }

  /** Sends a message, in a new session unless one is given, and waits for its turn to rest. */
  async say(text: string, sessionId?: string): Promise<RestedTurn> {
    const path = sessionId === undefined ? "/messages" : `/sessions/${sessionId}/messages`;
    const { json } = await this.#must("POST", path, { text });
    return this.rest(json);
  }

  /** Answers a turn's message anew. */
  async regenerate(turnId: string, text?: string): Promise<RestedTurn> {
    const body = text === undefined ? {} : { text };
    const { json } = await this.#must("POST", `/turns/${turnId}/regenerate`, body);
    return this.rest(json);
  }

  /** Waits until a turn has ended, or waits for people. */
  async rest({ turnId, sessionId }: Omit<RestedTurn, "state">): Promise<RestedTurn> {
    for (;;) {
      const { json } = await this.#must("GET", `/turns/${turnId}`);
      if (QUIET.has(json.state)) return { turnId, sessionId, state: json.state };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async listApprovals(sessionId: string, state = "pending"): Promise<readonly AskedApproval[]> {
    const { json } = await this.#must("GET", `/approvals?state=${state}&sessionId=${sessionId}`);
    return json.approvals.toReversed();
  }

  grant({ id, card: { inputHash } }: AskedApproval, scope: object): Promise<RestAnswer> {
    return this.ask("POST", `/approvals/${id}/grant`, { inputHash, scope });
  }

  deny({ id, card: { inputHash } }: AskedApproval, reason?: string): Promise<RestAnswer> {
    return this.ask("POST", `/approvals/${id}/deny`, { inputHash, reason });
  }

  async #must(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.json)}`);
    return answer;
  }
}

export interface RestedTurn {
  readonly turnId: string;
  readonly sessionId: string;
  readonly state: string;
}
