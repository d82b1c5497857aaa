import { describe, test } from "vitest";
import type { BusMessage } from "#application/ports/bus.ts";
import {
  createRelayCluster,
  LineClient,
  type RelayInstance,
} from "../../../support/fakes/relay-cluster.ts";
import { createSessionLog, SESSION, TURN } from "../../../support/fakes/session-log.ts";
import { VirtualTime } from "../../../support/virtual-time.ts";

/** Two instances on one log; what they say to each other is kept, and lost where `isCut`. */
function openPair() {
  const time = new VirtualTime();
  const log = createSessionLog(() => time.sleep(1));
  const said: BusMessage[] = [];
  const network = { isCut: false, isLost: (_message: BusMessage) => false };
  const cluster = createRelayCluster(time, log, (deliver, message) => {
    said.push(message);
    if (!network.isCut && !network.isLost(message)) time.after(2, deliver);
  });
  const [here, there] = [cluster.join(), cluster.join()];
  let shown = 0;
  return {
    time,
    log,
    said,
    network,
    here,
    there,
    follow: async (at: RelayInstance) => {
      const client = new LineClient(log);
      const following = client.followAt(at);
      await time.run(500);
      await following;
      return client;
    },
    begin: ({ epoch }: RelayInstance) => {
      log.runEpoch = epoch;
      shown = log.stored.length;
    },
    show: ({ relay, epoch }: RelayInstance, count: number) => {
      const frames = log.next(count, epoch, shown);
      shown += count;
      relay.publish({ sessionId: SESSION, turnId: TURN, epoch, frames });
    },
    end: ({ relay, epoch }: RelayInstance) => {
      log.store(shown, epoch);
      log.runEpoch = undefined;
      relay.settle(SESSION, TURN);
    },
  };
}

const linesOf = (from: number, to: number, epoch: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}@${epoch}`);

describe("SessionRelay", () => {
  test("a turn is seen on another instance while it runs", async ({ expect }) => {
    const { time, here, there, follow, begin, show, end } = openPair();
    const client = await follow(there);
    begin(here);
    show(here, 3);
    show(here, 2);
    await time.run(100);
    expect(client).toMatchObject({ lines: linesOf(1, 5, 1), early: 5, snapshots: 0 });
    end(here);
    await time.run(100);
    begin(there);
    show(there, 2);
    expect(client.lines).toEqual([...linesOf(1, 5, 1), "6@2", "7@2"]);
  });

  test("who comes late gets at once what the turn has shown so far", async ({ expect }) => {
    const { time, log, here, there, follow, begin, show } = openPair();
    begin(here);
    for (let stroke = 0; stroke < 10; stroke++) {
      show(here, 10);
      await time.run(100);
    }
    log.store(30, here.epoch);
    const client = await follow(there);
    expect(client).toMatchObject({ lines: linesOf(1, 100, 1), early: 70, snapshots: 0 });
  });

  test("who resumes on another instance goes on in the middle of the text", async ({ expect }) => {
    const { time, here, there, follow, begin, show } = openPair();
    begin(here);
    show(here, 5);
    const client = await follow(here);
    show(here, 2);
    expect(client.lines).toEqual(linesOf(1, 7, 1));
    const resumed = client.followAt(there);
    await time.run(500);
    await resumed;
    show(here, 2);
    await time.run(100);
    expect(client).toMatchObject({ lines: linesOf(1, 9, 1), snapshots: 0 });
  });

  test("with every message lost all arrives once it is stored", async ({ expect }) => {
    const { time, network, here, there, follow, begin, show, end } = openPair();
    network.isCut = true;
    const client = await follow(there);
    begin(here);
    show(here, 5);
    await time.run(5_000);
    expect(client.lines).toEqual([]);
    end(here);
    await time.run(2_100);
    expect(client).toMatchObject({ lines: linesOf(1, 5, 1), snapshots: 0 });
  });

  test("what was lost on the way is asked for", async ({ expect }) => {
    const { time, network, here, there, follow, begin, show } = openPair();
    const client = await follow(there);
    begin(here);
    show(here, 2);
    await time.run(100);
    network.isCut = true;
    show(here, 2);
    await time.run(100);
    network.isCut = false;
    show(here, 2);
    await time.run(400);
    expect(client).toMatchObject({ lines: linesOf(1, 6, 1), early: 6, snapshots: 0 });
  });

  test("what never comes is asked for less and less, until it is stored", async ({ expect }) => {
    const { time, log, said, network, here, there, follow, begin, show } = openPair();
    const client = await follow(there);
    begin(here);
    network.isCut = true;
    show(here, 1);
    await time.run(100);
    network.isCut = false;
    // As where the first frame is too large for the bus.
    network.isLost = ({ kind, ...rest }) =>
      kind === "frames" && "frames" in rest && rest.frames[0]?.seq === 1;
    const before = said.length;
    for (let stroke = 0; stroke < 150; stroke++) {
      show(here, 1);
      await time.run(100);
    }
    const asked = said.slice(before).filter(({ kind }) => kind === "follow");
    expect(asked.length).toBeLessThan(10);
    expect(client.lines).toEqual([]);
    log.store(100, here.epoch);
    await time.run(2_100);
    expect(client.lines).toHaveLength(151);
    expect(client.snapshots).toBe(0);
  });

  test("a run that died is replaced by the next one, live", async ({ expect }) => {
    const { time, log, here, there, follow, begin, show } = openPair();
    log.store(2, 1);
    const client = await follow(there);
    begin(here);
    show(here, 3);
    await time.run(100);
    expect(client.lines).toEqual(linesOf(1, 5, 1));
    here.epoch = 9;
    here.relay.reset(SESSION);
    begin(here);
    show(here, 2);
    await time.run(1_000);
    expect(client).toMatchObject({ lines: [...linesOf(1, 2, 1), "3@9", "4@9"], snapshots: 1 });
  });

  test("nothing is said of turns that nobody follows elsewhere", async ({ expect }) => {
    const { time, said, here, follow, begin, show, end } = openPair();
    const client = await follow(here);
    begin(here);
    show(here, 5);
    await time.run(30_000);
    end(here);
    expect(client.lines).toHaveLength(5);
    const known = said.filter(({ kind }) => kind !== "follow");
    expect(known).toEqual([]);
  });

  test("sharing goes on while somebody follows, and ends a minute after", async ({ expect }) => {
    const { time, said, here, there, follow, begin, show } = openPair();
    const client = await follow(there);
    begin(here);
    await time.run(300_000);
    show(here, 1);
    await time.run(100);
    expect(client.lines).toHaveLength(1);
    // Renewing does not make it send again what is known.
    expect(said.filter(({ kind }) => kind === "frames")).toHaveLength(1);
    client.leave();
    await time.run(61_000);
    show(here, 1);
    await time.run(100);
    expect(said.filter(({ kind }) => kind === "frames")).toHaveLength(1);
    expect(there.relay.size).toBe(0);
  });

  test("what a long turn has shown goes out in pieces", async ({ expect }) => {
    const { time, log, said, here, there, follow } = openPair();
    log.runEpoch = 1;
    const frames = Array.from({ length: 40 }, (_, index) => ({
      seq: index + 1,
      frame: `${index + 1}@1 ${"x".repeat(10_000)}`,
    }));
    here.relay.publish({ sessionId: SESSION, turnId: TURN, epoch: 1, frames });
    const client = await follow(there);
    expect(client.lines).toHaveLength(40);
    const sent = said.filter((each) => each.kind === "frames");
    expect(sent.length).toBeGreaterThan(5);
    await time.run(60_000);
  });
});
