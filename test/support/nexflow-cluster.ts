import { findFreePort } from "./free-port.ts";
import { type RunningNexflow, startNexflow } from "./start-nexflow.ts";
import { TcpBalancer } from "./tcp-balancer.ts";
import { openTempDir } from "./temp-dir.ts";

export interface ClusterOptions {
  readonly instances: number;
  readonly databaseUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

type Env = Readonly<Record<string, string>>;

interface Member {
  readonly port: number;
  readonly homeDir: string;
  running: RunningNexflow | undefined;
}

/** Several instances on one Postgres, behind a balancer, whose address clients use. */
export class NexflowCluster implements AsyncDisposable {
  readonly #env: Env;
  readonly #opened: AsyncDisposable[] = [];
  readonly #members: Member[] = [];
  #balancer: TcpBalancer | undefined;

  private constructor({ databaseUrl, env }: ClusterOptions) {
    this.#env = { NEXFLOW_DATABASE_URL: databaseUrl, ...env };
  }

  static async start(options: ClusterOptions): Promise<NexflowCluster> {
    const cluster = new NexflowCluster(options);
    try {
      await cluster.#open(options.instances);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get balancer(): TcpBalancer {
    if (this.#balancer === undefined) throw new Error("The cluster has no balancer yet");
    return this.#balancer;
  }

  get url(): string {
    return this.balancer.url;
  }

  get token(): string {
    return this.member(0).token;
  }

  /** The running program of a member; the latest that ran, where it was ended. */
  member(index: number): RunningNexflow {
    const running = this.#memberAt(index).running;
    if (running === undefined) throw new Error(`Member ${index} was never started`);
    return running;
  }

  /** Starts a member, or starts it again on its port and with its directory. */
  async startMember(index: number, env: Env = {}): Promise<RunningNexflow> {
    const member = this.#memberAt(index);
    const { homeDir, port } = member;
    const all = { ...this.#env, NEXFLOW_PUBLIC_URL: this.url, ...env };
    const running = await startNexflow({ homeDir, port, env: all });
    member.running = running;
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#members.flatMap((member) => member.running ?? []);
    await Promise.all(running.map((each) => each[Symbol.asyncDispose]()));
    await Promise.all(this.#opened.map((each) => each[Symbol.asyncDispose]()));
  }

  async #open(instances: number): Promise<void> {
    for (let index = 0; index < instances; index++) {
      const dir = await openTempDir();
      this.#opened.push(dir);
      const port = await findFreePort();
      this.#members.push({ port, homeDir: dir.path, running: undefined });
    }
    this.#balancer = await TcpBalancer.open(this.#members.map(({ port }) => port));
    this.#opened.push(this.#balancer);
    await this.startMember(0);
    await Promise.all(this.#members.slice(1).map((_, at) => this.startMember(at + 1)));
  }

  #memberAt(index: number): Member {
    const member = this.#members[index];
    if (member === undefined) throw new RangeError(`There is no member ${index}`);
    return member;
  }
}
