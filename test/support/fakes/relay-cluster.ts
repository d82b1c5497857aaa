import type { FrameEncoder } from "#application/follow-session/session-hub.ts";
import { SessionRelay } from "#application/follow-session/session-relay.ts";
import type { Bus, BusMessage } from "#application/ports/bus.ts";
import { textOf } from "#domain/message/message.ts";
import type { VirtualTime } from "../virtual-time.ts";
import { createBusNetwork } from "./bus-network.ts";
import { frameOf, SESSION, type SessionLog, USER } from "./session-log.ts";

export const encodeFrames: FrameEncoder = {
  event: ({ seq, epoch }) => frameOf(seq, epoch).frame,
  snapshot: ({ seq, epoch, messages }) =>
    JSON.stringify({ seq, epoch, lines: messages.map(textOf).join().split("\n").filter(Boolean) }),
};

/** An instance as far as following goes. */
export interface RelayInstance {
  readonly relay: SessionRelay;
  readonly bus: Bus;
  /** Its runs are under this epoch. */
  epoch: number;
  isDead: boolean;
  /** Fulfilled when it dies: whatever was asked of it is never answered. */
  readonly died: PromiseWithResolvers<void>;
}

/** Instances in one process, on one store and one network. */
export function createRelayCluster(
  time: VirtualTime,
  log: SessionLog,
  carry?: (deliver: () => void, message: BusMessage) => void,
) {
  const network = createBusNetwork(carry);
  let epoch = 0;
  return {
    newEpoch: () => (epoch += 1),
    join(): RelayInstance {
      const bus = network.join();
      const { nowMs, after } = time;
      const { sessions } = log;
      const relay = new SessionRelay({ sessions, encode: encodeFrames, bus, after, nowMs });
      const died = Promise.withResolvers<void>();
      return { relay, bus, epoch: (epoch += 1), isDead: false, died };
    },
    async kill(instance: RelayInstance): Promise<void> {
      instance.isDead = true;
      instance.died.resolve();
      await instance.relay[Symbol.asyncDispose]();
      await instance.bus[Symbol.asyncDispose]();
    },
  };
}

/** Follows the session as clients do, and checks what clients rely on. */
export class LineClient {
  lines: string[] = [];
  snapshots = 0;
  /** Frames that came before the store had them. */
  early = 0;
  readonly #log: SessionLog;
  readonly #before: ReadonlyMap<string, string | undefined>;
  #stop: (() => void) | undefined;
  /** What a line that was left still brings does not count. */
  #line = 0;

  /** `before`: the frame that stood before a frame when its run showed it, where that is known. */
  constructor(log: SessionLog, before: ReadonlyMap<string, string | undefined> = new Map()) {
    this.#log = log;
    this.#before = before;
  }

  get isFollowing(): boolean {
    return this.#stop !== undefined;
  }

  /** Leaves the instance where it was, if any, and resumes at another one. */
  async followAt({ relay, died }: RelayInstance): Promise<void> {
    this.leave();
    await Promise.race([this.#follow(relay), died.promise]);
  }

  async #follow(relay: SessionRelay): Promise<void> {
    const line = this.#line;
    const epoch = epochOf(this.lines.at(-1));
    const input = { userId: USER, sessionId: SESSION, after: this.lines.length, epoch };
    const result = await relay.follow(input, (frames) => line === this.#line && this.#take(frames));
    if (result.kind !== "following") throw new Error("The session was not found");
    if (line === this.#line) this.#stop = () => result.stop();
    else result.stop();
  }

  leave(): void {
    this.#line += 1;
    this.#stop?.();
    this.#stop = undefined;
  }

  #take(frames: readonly string[]): void {
    for (const frame of frames) {
      if (frame.startsWith("{")) {
        const { seq, lines } = JSON.parse(frame) as { seq: number; lines: string[] };
        if (lines.length !== seq) throw new Error(`A snapshot at ${seq} has ${lines.length} lines`);
        this.snapshots += 1;
        this.lines = lines;
      } else {
        const seq = Number.parseInt(frame, 10);
        const isNext = seq === this.lines.length + 1;
        const last = this.lines.at(-1);
        if (!isNext || (this.#before.has(frame) && this.#before.get(frame) !== last)) {
          throw new Error(`"${frame}" came after "${last ?? "nothing"}"`);
        }
        if (seq > this.#log.stored.length) this.early += 1;
        this.lines.push(frame);
      }
    }
  }
}

function epochOf(line: string | undefined): number | undefined {
  return line === undefined ? undefined : Number(line.split("@")[1]);
}
