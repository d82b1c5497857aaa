import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { EmbeddedPostgresOptions } from "./embedded-postgres.ts";
import { plainEnvironment } from "./test-environment.ts";

/** What a keeper is asked, one after the other. */
export type KeeperRequest =
  | { readonly kind: "start" }
  | { readonly kind: "stop"; readonly signal: "SIGINT" | "SIGQUIT" };

export type KeeperReply =
  | { readonly kind: "done"; readonly url: string; readonly pid: number | undefined }
  | { readonly kind: "failed"; readonly message: string };

const KEEPER = fileURLToPath(new URL("postgres-keeper.ts", import.meta.url));

/** A Postgres server in the care of a process that ends it with this one. */
export class PostgresKeeper implements AsyncDisposable {
  readonly #child: ChildProcess;
  #url = "";
  #pid: number | undefined;

  private constructor(options: EmbeddedPostgresOptions) {
    this.#child = fork(KEEPER, [JSON.stringify(options)], {
      execArgv: [],
      env: plainEnvironment(),
    });
    // A server that was forgotten keeps no process from its end.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Starts a new server. */
  static async open(options: EmbeddedPostgresOptions): Promise<PostgresKeeper> {
    const keeper = new PostgresKeeper(options);
    await keeper.start();
    return keeper;
  }

  get url(): string {
    return this.#url;
  }

  /** That of the server; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#pid;
  }

  start(): Promise<void> {
    return this.#ask({ kind: "start" });
  }

  /** SIGINT is a fast shutdown, SIGQUIT a crash. */
  stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    return this.#ask({ kind: "stop", signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.ref();
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async #ask(request: KeeperRequest): Promise<void> {
    this.#child.channel?.ref();
    const gone = once(this.#child, "exit").then(() => [{ kind: "failed", message: "It ended" }]);
    this.#child.send(request);
    const [reply] = (await Promise.race([once(this.#child, "message"), gone])) as [KeeperReply];
    this.#child.channel?.unref();
    if (reply.kind === "failed") throw new Error(`Cannot ${request.kind}: ${reply.message}`);
    this.#url = reply.url;
    this.#pid = reply.pid;
  }
}
