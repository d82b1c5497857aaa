import { listConversationFaults } from "./conversation-faults.ts";
import { ResumingClient } from "./resuming-client.ts";
import type { SlowModel } from "./slow-model.ts";

export interface CrowdOptions {
  readonly url: string;
  readonly token: string;
  readonly model: SlowModel;
  readonly clients: number;
  /** So many of them wait for a slow answer, the others are just there. */
  readonly waiting: number;
}

/** How many do the same thing at once, where it does not matter. */
const ABREAST = 50;
/** Clients of people wait longer and longer, as those that come with Nexflow do. */
const PATIENT_MS = 15_000;

/** Many clients, each with a conversation, that stay connected whatever happens to servers. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #clients: readonly ResumingClient[];
  readonly #over = Promise.withResolvers<void>();
  #work: Promise<unknown> = Promise.resolve();
  #answers: Promise<unknown> = Promise.resolve();

  private constructor(options: CrowdOptions) {
    const { url, token } = options;
    this.#options = options;
    this.#clients = Array.from(
      { length: options.clients },
      () => new ResumingClient(url, token, PATIENT_MS),
    );
  }

  /** All are connected, have had an answer, and those that wait have asked again. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    await crowd.#askAll("quick-first");
    const waiting = crowd.#clients.slice(0, options.waiting);
    crowd.#answers = Promise.all(waiting.map((each, at) => each.exchange(`slow-${at}`)));
    const stay = async (client: ResumingClient, at: number) => {
      if (at < options.waiting) await crowd.#answers;
      await client.rest(crowd.#over.promise);
    };
    crowd.#work = Promise.all(crowd.#clients.map(stay));
    return crowd;
  }

  /** Fulfilled when an answer is being given to each that waits. */
  async waiting(): Promise<void> {
    const { model, waiting } = this.#options;
    while (model.running < waiting) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Fulfilled when all that waited have their answers. */
  async answered(): Promise<void> {
    await this.#answers;
  }

  /** How many were welcomed after `sinceMs` (by `performance.now()`). */
  countBack(sinceMs: number): number {
    return this.#clients.filter(({ connectedAtMs }) => (connectedAtMs.at(-1) ?? 0) > sinceMs)
      .length;
  }

  /** When each that came back after `sinceMs` first tried to, whatever kept it waiting then. */
  returnsSince(sinceMs: number): readonly number[] {
    return this.#clients.flatMap(({ triedAtMs }) => triedAtMs.find((atMs) => atMs > sinceMs) ?? []);
  }

  /** Ends the waiting, has each say something more, and tells what any of them has lost. */
  async disperse(): Promise<readonly string[]> {
    this.#over.resolve();
    await this.#work;
    await this.#askAll("quick-last");
    const { model } = this.#options;
    const faults: string[] = [];
    for (const group of this.#groups()) {
      const found = group.map((client) =>
        listConversationFaults(this.#options, client, model.isAnswer),
      );
      faults.push(...(await Promise.all(found)).flat());
    }
    await Promise.all(this.#clients.map((client) => client.close()));
    return faults;
  }

  async #askAll(text: string): Promise<void> {
    for (const group of this.#groups()) {
      await Promise.all(group.map((client) => client.exchange(text)));
    }
  }

  #groups(): ResumingClient[][] {
    const count = Math.ceil(this.#clients.length / ABREAST);
    return Array.from({ length: count }, (_, at) =>
      this.#clients.slice(at * ABREAST, (at + 1) * ABREAST),
    );
  }
}
