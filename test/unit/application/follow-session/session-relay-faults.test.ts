import { describe, test } from "vitest";
import { Fault } from "#domain/shared/fault.ts";
import {
  createRelayCluster,
  encodeFrames,
  LineClient,
  type RelayInstance,
} from "../../../support/fakes/relay-cluster.ts";
import { createSessionLog, frameOf, SESSION, TURN } from "../../../support/fakes/session-log.ts";
import { createRandom } from "../../../support/seeded-random.ts";
import { VirtualTime } from "../../../support/virtual-time.ts";

const INSTANCES = 3;
const CLIENTS = 4;
const TURNS = 5;

/** Whatever can go wrong between instances, in an order that the seed decides. */
async function simulate(seed: number) {
  const random = createRandom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const chance = (probability: number) => random() < probability;
  const time = new VirtualTime();
  const pause = (ms: number) => time.sleep(pick(ms));

  const slowReads = pick(40) + 1;
  const log = createSessionLog(() => pause(slowReads));
  const lost = [0, 0, 0.1, 0.5, 1][pick(5)] ?? 0;
  const doubled = chance(0.5) ? 0.2 : 0;
  const delayMs = [1, 30, 400][pick(3)] ?? 1;
  const cluster = createRelayCluster(time, log, (deliver) => {
    if (chance(lost)) return;
    time.after(pick(delayMs), deliver);
    // Much later, when it is news no more.
    if (chance(doubled)) time.after(pick(3_000), deliver);
  });
  const instances = Array.from({ length: INSTANCES }, () => cluster.join());
  const anyInstance = (fits: (instance: RelayInstance) => boolean = () => true) => {
    const fitting = instances.filter(fits);
    return fitting[pick(fitting.length)] as RelayInstance;
  };
  /** Owners that do not know yet that they are no more; they may not run anything else before. */
  const ghosts = new Set<RelayInstance>();

  async function kill(instance: RelayInstance) {
    instances[instances.indexOf(instance)] = cluster.join();
    await cluster.kill(instance);
  }

  /** The frame before each, as its run has it. */
  const before = new Map<string, string | undefined>();
  function bringForth(epoch: number, after: number, last: string | undefined) {
    const frames = log.next(1 + pick(3), epoch, after);
    let previous = last;
    for (const { frame } of frames) {
      before.set(frame, previous);
      previous = frame;
    }
    return { frames, last: previous };
  }

  /** An owner that does not know yet that it is not the owner any more. */
  async function haunt(ghost: RelayInstance, epoch: number, from: number) {
    const { relay } = ghost;
    ghosts.add(ghost);
    let shown = from;
    for (let batch = pick(4); batch > 0; batch--) {
      await pause(200);
      const { frames } = bringForth(epoch, shown, frameOf(shown, epoch).frame);
      relay.publish({ sessionId: SESSION, turnId: TURN, epoch, frames });
      shown += frames.length;
    }
    await pause(200);
    relay.reset(SESSION);
    ghosts.delete(ghost);
  }

  /** One attempt; `false` where its run died. */
  async function runTurn(owner: RelayInstance): Promise<boolean> {
    const { relay, epoch } = owner;
    log.runEpoch = epoch;
    let shown = log.stored.length;
    const head = log.stored.at(-1);
    let last = head && frameOf(head.seq, head.epoch).frame;
    for (let batch = pick(6); batch >= 0; batch--) {
      await pause(150);
      if (owner.isDead) return false;
      const next = bringForth(epoch, shown, last);
      const { frames } = next;
      last = next.last;
      shown += frames.length;
      if (chance(0.15)) log.store(shown, epoch);
      relay.publish({ sessionId: SESSION, turnId: TURN, epoch, frames });
      if (chance(0.2)) log.store(shown, epoch);
      if (!chance(0.08) || ghosts.size > 1) continue;
      owner.epoch = cluster.newEpoch();
      const death = pick(3);
      if (death === 0) await kill(owner);
      else if (death === 1) relay.reset(SESSION);
      else void haunt(owner, epoch, shown);
      return false;
    }
    log.store(shown, epoch);
    log.runEpoch = undefined;
    await pause(20);
    if (!owner.isDead) relay.settle(SESSION, TURN);
    return true;
  }

  let isOver = false;
  async function runTurns() {
    for (let turn = 0; turn < TURNS; turn++) {
      while (!(await runTurn(anyInstance((each) => !ghosts.has(each))))) {
        await pause(600);
        log.runEpoch = undefined;
        if (chance(0.5)) anyInstance((each) => !ghosts.has(each)).relay.reset(SESSION);
        await pause(100);
      }
      await pause(300);
      if (chance(0.1)) await kill(anyInstance((each) => !ghosts.has(each)));
    }
    isOver = true;
  }

  const clients = Array.from({ length: CLIENTS }, () => new LineClient(log, before));
  async function wander(client: LineClient) {
    while (!isOver) {
      const instance = anyInstance();
      // Where the store cannot be read, a client is told so and tries again.
      await client.followAt(instance).catch(ignoreFault);
      const patienceMs = pick(1_500);
      for (let ms = 0; ms < patienceMs && !instance.isDead; ms += 50) await time.sleep(50);
      if (isOver && !instance.isDead && client.isFollowing) return;
      client.leave();
      if (chance(0.3)) await pause(300);
    }
    while (!client.isFollowing) {
      await client.followAt(anyInstance()).catch(ignoreFault);
      await time.sleep(50);
    }
  }

  /** Times when nothing can be read; what is written is not the matter here. */
  async function breakReads() {
    while (!isOver) {
      await pause(3_000);
      log.breakReads(!isOver);
      await pause(700);
      log.breakReads(false);
    }
  }

  const outages = chance(0.3) ? [breakReads()] : [];
  const all = Promise.all([runTurns(), ...clients.map(wander), ...outages]);
  let isDone = false;
  const done = all.then(() => {
    isDone = true;
  });
  await time.run(120_000, () => isDone);
  if (!isDone) throw new Error(`Somebody waits for ever (seed ${seed})`);
  await done;
  // The store is asked every two seconds, and reading takes its time.
  await time.run(5_000);
  const whole = log.stored.map((event) => encodeFrames.event({ ...event, sessionId: SESSION }));
  for (const instance of instances) await cluster.kill(instance);
  return { clients, whole };
}

function ignoreFault(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
}

describe("SessionRelay", () => {
  const seedsEach = 250;
  test.for(Array.from({ length: 10 }, (_, block) => block))(
    "clients have the stored log in the end, whatever went wrong (block %i of seeds)",
    async (block, { expect }) => {
      for (let each = 1; each <= seedsEach; each++) {
        const seed = block * seedsEach + each;
        const { clients, whole } = await simulate(seed);
        for (const { lines } of clients) expect(lines, `seed ${seed}`).toEqual(whole);
      }
    },
  );
});
