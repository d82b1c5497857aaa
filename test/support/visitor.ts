import { randomUUID } from "node:crypto";

/**
 * Someone who does by REST, again and again, all that a conversation does not: signs in and out,
 * cancels turns, calls a skill that keeps something, deletes sessions. What fails is tried in the next round; servers may come and go.
 */
export class Visitor {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async visit(isOver: () => boolean): Promise<void> {
    const rounds = [
      () => this.#signInAndOut(),
      () => this.#converse("/keeps.run {}", false),
      () => this.#converse("/calculator 1+1", true),
    ];
    for (let round = 0; !isOver(); round++) {
      await rounds[round % rounds.length]?.().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #signInAndOut(): Promise<void> {
    const origin = this.#url;
    const signedIn = await this.#fetch("POST", "/login", { token: this.#token }, { origin });
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    await this.#fetch("POST", "/logout", undefined, { origin, cookie });
  }

  /** A session of one turn, which is deleted with it. */
  async #converse(text: string, isCancelled: boolean): Promise<void> {
    const accepted = await this.#fetch("POST", "/messages", {
      clientMessageId: randomUUID(),
      text,
    });
    const { sessionId, turnId } = (await accepted.json()) as Record<string, string>;
    if (isCancelled) await this.#fetch("POST", `/turns/${turnId}/cancel`);
    for (let status = 409; status === 409; ) {
      ({ status } = await this.#fetch("DELETE", `/sessions/${sessionId}`));
    }
  }

  async #fetch(
    method: string,
    route: string,
    body?: object,
    headers: Readonly<Record<string, string>> = { authorization: `Bearer ${this.#token}` },
  ): Promise<Response> {
    return fetch(`${this.#url}/api/v1${route}`, {
      method,
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    });
  }
}
