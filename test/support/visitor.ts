import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

/** Of an answer only ids are of interest. */
type Json = Readonly<Record<string, string>>;

interface Reply {
  readonly status: number;
  readonly json: Json;
  readonly cookie: string;
}

const PAUSE_MS = 20;

/**
 * Someone who does by REST, again and again, all that a conversation does not: signs in and out,
 * cancels turns, calls a skill that keeps something, deletes sessions, and has users, tokens,
 * schedules, notes, pins and summaries come and go. What fails is tried in the next round; servers may come and go.
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
      () => this.#haveUser(),
      () => this.#haveSchedule(),
      () => this.#haveNote(),
      () => this.#haveContext(),
      () => this.#converse("/keeps.run {}", false),
      () => this.#converse("/calculator 1+1", true),
    ];
    for (let round = 0; !isOver(); round++) {
      await rounds[round % rounds.length]?.().catch(() => undefined);
      await delay(PAUSE_MS);
    }
  }

  async #signInAndOut(): Promise<void> {
    const origin = this.#url;
    const { cookie } = await this.#ask("POST", "/login", { token: this.#token }, { origin });
    await this.#ask("POST", "/logout", undefined, { origin, cookie });
  }

  /** A session of one turn, which is deleted with it. */
  async #converse(text: string, isCancelled: boolean): Promise<void> {
    const { json } = await this.#ask("POST", "/messages", { text });
    if (isCancelled) await this.#ask("POST", `/turns/${json["turnId"]}/cancel`);
    for (let status = 409; status === 409; ) {
      await delay(PAUSE_MS);
      ({ status } = await this.#ask("DELETE", `/sessions/${json["sessionId"]}`));
    }
  }

  async #haveUser(): Promise<void> {
    const made = await this.#ask("POST", "/users", { name: "A guest", role: "member" });
    const user = `/users/${made.json["id"]}`;
    await this.#ask("PATCH", user, { role: "operator" });
    const token = await this.#ask("POST", `${user}/tokens`, { label: "for a while" });
    await this.#ask("DELETE", `${user}/tokens/${token.json["id"]}`);
    await this.#ask("DELETE", user);
  }

  async #haveSchedule(): Promise<void> {
    const { json } = await this.#ask("POST", "/schedules", {
      name: "Far off",
      when: { kind: "at", atMs: Date.now() + 3_600_000 },
      action: { kind: "tool-call", skill: "keeps", tool: "run", input: {} },
    });
    const schedule = `/schedules/${json["id"]}`;
    await this.#ask("PATCH", schedule, { state: "paused" });
    await this.#ask("POST", `${schedule}/run`);
    await this.#ask("DELETE", schedule);
  }

  async #haveNote(): Promise<void> {
    const { json } = await this.#ask("POST", "/memory", { text: "Likes tea" });
    await this.#ask("DELETE", `/memory/${json["id"]}`);
  }

  /** A session whose first turn is pinned and summarised for a while. */
  async #haveContext(): Promise<void> {
    const { json } = await this.#ask("POST", "/messages", { text: "/calculator 1+1" });
    const session = `/sessions/${json["sessionId"]}`;
    await this.#ask("POST", `${session}/messages`, { text: "/calculator 1+2" });
    await this.#ask("PUT", `${session}/pins/${json["messageId"]}`);
    await this.#ask("DELETE", `${session}/pins/${json["messageId"]}`);
    const compaction = await this.#ask("POST", `${session}/compactions`);
    await this.#ask("DELETE", `${session}/compactions/${compaction.json["id"]}`);
    for (let status = 409; status === 409; ) {
      await delay(PAUSE_MS);
      ({ status } = await this.#ask("DELETE", session));
    }
  }

  async #ask(
    method: string,
    route: string,
    body?: object,
    headers: Readonly<Record<string, string>> = { authorization: `Bearer ${this.#token}` },
  ): Promise<Reply> {
    const response = await fetch(`${this.#url}/api/v1${route}`, {
      method,
      headers: {
        ...headers,
        "idempotency-key": randomUUID(),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await response.text();
    return {
      status: response.status,
      json: text.startsWith("{") ? (JSON.parse(text) as Json) : {},
      cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "",
    };
  }
}
