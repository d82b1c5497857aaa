import { randomUUID } from "node:crypto";

/**
 * Someone who does by REST, again and again, all that a conversation does not: signs in and out,
 * deletes a session. What fails is tried in the next round; servers may come and go.
 */
export class Visitor {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async visit(isOver: () => boolean): Promise<void> {
    const rounds = [() => this.#signInAndOut(), () => this.#deleteSession()];
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

  async #deleteSession(): Promise<void> {
    const message = { clientMessageId: randomUUID(), text: "/calculator 1+1" };
    const accepted = await this.#fetch("POST", "/messages", message);
    const { sessionId } = (await accepted.json()) as { sessionId: string };
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
