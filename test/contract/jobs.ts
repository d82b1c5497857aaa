import { describe, type TestContext, test } from "vitest";
import type { Job, JobQueue, NewJob } from "../../src/application/ports/jobs.ts";
import type { JobEngine } from "../../src/infrastructure/jobs/job-engine.ts";
import { JobRunner } from "../../src/infrastructure/jobs/job-runner.ts";
import { silentLog } from "../support/silent-log.ts";

/** Opens engines on one fresh set of jobs; each stands for an instance. */
export interface OpenedJobs extends AsyncDisposable {
  openEngine(): Promise<JobEngine>;
  /** Whether several instances may use the jobs at once. */
  readonly isShared: boolean;
}

const QUEUE: JobQueue = {
  name: "trial",
  concurrency: 4,
  attempts: 3,
  retryDelayMs: 1_000,
  retryDelayMostMs: 2_000,
  keepMs: 60_000,
};
const NARROW: JobQueue = { ...QUEUE, name: "narrow", concurrency: 2 };
const SHUTDOWN_MS = 1_000;

/** What every implementation of `Jobs` must do; leases and retries take their real time. */
export function describeJobs(name: string, open: () => Promise<OpenedJobs>): void {
  describe.concurrent(`jobs on ${name}`, () => {
    async function openJobs({ onTestFinished }: TestContext) {
      const opened = await open();
      onTestFinished(() => opened[Symbol.asyncDispose]());
      return opened;
    }

    async function openRunner(opened: OpenedJobs, { onTestFinished }: TestContext) {
      const runner = new JobRunner({ engine: await opened.openEngine(), log: silentLog });
      onTestFinished(() => runner.stop(SHUTDOWN_MS));
      return runner;
    }

    const jobs = (count: number, queue = QUEUE.name): NewJob[] =>
      Array.from({ length: count }, (_, at) => ({ queue, data: { at } }));

    test("enqueue() has each job run once, with its data", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const seen = new Collector<Job>(20);
      runner.work(QUEUE, async (job) => seen.add(job));
      await runner.start();
      await runner.enqueue(jobs(20));
      const ran = await seen.full;
      expect(new Set(ran.map(({ data }) => (data as { at: number }).at)).size).toBe(20);
      expect(ran[0]).toMatchObject({ attempt: 1, isLast: false });
    });

    test("a job does not run before its time", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      const engine = await opened.openEngine();
      await engine.open([QUEUE]);
      const readyAtMs = Date.now() + 1_500;
      await engine.enqueue([
        { queue: QUEUE.name, data: "late", readyAtMs },
        { queue: QUEUE.name, data: "due", readyAtMs: readyAtMs - 60_000 },
      ]);
      const found = (await engine.fetch(QUEUE, 9)).map(dataOf);
      expect(found).toContain("due");
      await until(
        async () => {
          // Where the machine stood still since, both were there at once.
          if (!found.includes("late")) found.push(...(await engine.fetch(QUEUE, 9)).map(dataOf));
          return found;
        },
        (all) => all.includes("late"),
      );
      expect(Date.now()).toBeGreaterThanOrEqual(readyAtMs);
      expect(new Set(found)).toEqual(new Set(["due", "late"]));
      expect(found).toHaveLength(2);
    });

    test("a job that was put on its queue before start() runs then", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      const engine = await opened.openEngine();
      await engine.open([QUEUE]);
      await engine.enqueue(jobs(1));
      await engine.close();
      const runner = await openRunner(opened, context);
      const seen = new Collector<Job>(1);
      runner.work(QUEUE, async (job) => seen.add(job));
      await runner.start();
      expect(await seen.full).toHaveLength(1);
    });

    test("enqueue() takes one job of each key, also when that is done", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const seen = new Collector<Job>(2);
      runner.work(QUEUE, async (job) => seen.add(job));
      await runner.start();
      const keyed = (key: string) => [{ queue: QUEUE.name, data: key, key }];
      await runner.enqueue([...keyed("a"), ...keyed("a")]);
      await runner.enqueue(keyed("a"));
      await seen.count(1);
      await runner.enqueue(keyed("a"));
      await runner.enqueue(keyed("b"));
      expect((await seen.full).map(({ data }) => data)).toEqual(["a", "b"]);
    });

    test("a job whose handler rejects runs again, later, and then is dead", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const seen = new Collector<{ job: Job; atMs: number }>(3);
      runner.work(QUEUE, async (job) => {
        seen.add({ job, atMs: performance.now() });
        throw new Error("No luck");
      });
      await runner.start();
      await runner.enqueue(jobs(1));
      const ran = await seen.full;
      expect(ran.map(({ job }) => job.attempt)).toEqual([1, 2, 3]);
      expect(ran.map(({ job }) => job.isLast)).toEqual([false, false, true]);
      const [first, second] = ran.map(({ atMs }) => atMs);
      expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(500);
      const dead = await until(
        () => runner.listDead(10),
        (found) => found.length > 0,
      );
      expect(dead).toMatchObject([
        { queue: QUEUE.name, data: { at: 0 }, attempts: 3, failure: { code: "INTERNAL" } },
      ]);
    });

    test("no more jobs of a queue run at once than it says", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const seen = new Collector<Job>(12);
      let running = 0;
      let most = 0;
      runner.work(NARROW, async (job) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running -= 1;
        seen.add(job);
      });
      await runner.start();
      await runner.enqueue(jobs(12, NARROW.name));
      await seen.full;
      expect(most).toBe(2);
    });

    test("a slow job does not hold up those behind it", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const seen = new Collector<number>(20);
      const slow = Promise.withResolvers<void>();
      runner.work(QUEUE, async ({ data }) => {
        const { at } = data as { at: number };
        if (at === 0) return slow.promise;
        seen.add(at);
      });
      await runner.start();
      await runner.enqueue(jobs(21));
      expect(await seen.full).not.toContain(0);
      slow.resolve();
    });

    test("stop() waits for what is in hand and takes nothing more", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      const runner = await openRunner(opened, context);
      const begun = new Collector<Job>(1);
      const going = Promise.withResolvers<void>();
      let ended = 0;
      runner.work({ ...QUEUE, concurrency: 1 }, async (job) => {
        begun.add(job);
        await going.promise;
        ended += 1;
      });
      await runner.start();
      await runner.enqueue(jobs(2));
      await begun.full;
      const stopped = runner.stop(20_000);
      going.resolve();
      await stopped;
      expect(ended).toBe(1);
    });

    test("stop() gives up what does not end in time", async (context) => {
      const { expect } = context;
      const runner = await openRunner(await openJobs(context), context);
      const begun = new Collector<AbortSignal>(1);
      runner.work(QUEUE, async (_job, signal) => {
        begun.add(signal);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      });
      await runner.start();
      await runner.enqueue(jobs(1));
      const [signal] = await begun.full;
      await runner.stop(10);
      expect(signal?.aborted).toBe(true);
    });

    test("a job that takes longer than its lease stays with its instance", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      const runner = await openRunner(opened, context);
      const seen = new Collector<Job>(1);
      let begun = 0;
      runner.work(QUEUE, async (job) => {
        begun += 1;
        await new Promise((resolve) => setTimeout(resolve, 14_000));
        seen.add(job);
      });
      await runner.start();
      await runner.enqueue(jobs(1));
      await seen.full;
      expect(begun).toBe(1);
    });

    test("what a lost lease says of its job changes nothing", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      if (!opened.isShared) return;
      const dead = await opened.openEngine();
      await dead.open([QUEUE]);
      await dead.enqueue(jobs(1));
      const [lost] = await dead.fetch(QUEUE, 1);
      if (lost === undefined) throw new Error("Nothing was fetched");
      const atMs = performance.now();
      const runner = await openRunner(opened, context);
      const seen = new Collector<{ job: Job; tookMs: number }>(1);
      const going = Promise.withResolvers<void>();
      runner.work(QUEUE, async (job) => {
        seen.add({ job, tookMs: performance.now() - atMs });
        await going.promise;
      });
      await runner.start();
      const [again] = await seen.full;
      expect(again?.job).toMatchObject({ id: lost.id, attempt: 2 });
      expect(again?.tookMs).toBeLessThan(17_000);
      await dead.complete(QUEUE, [lost]);
      await dead.fail(QUEUE, lost, { code: "LATE", message: "Too late" });
      going.resolve();
      await runner.stop(SHUTDOWN_MS);
      expect(await dead.fetch(QUEUE, 1)).toEqual([]);
      await dead.close();
    });

    test("two instances share the jobs: each runs once", async (context) => {
      const { expect } = context;
      const opened = await openJobs(context);
      if (!opened.isShared) return;
      const seen = new Collector<number>(200);
      const runners = await Promise.all([openRunner(opened, context), openRunner(opened, context)]);
      for (const runner of runners) {
        runner.work(QUEUE, async ({ data }) => seen.add((data as { at: number }).at));
        await runner.start();
      }
      await runners[0].enqueue(jobs(200));
      expect(new Set(await seen.full).size).toBe(200);
      expect(seen.items).toHaveLength(200);
    });
  });
}

function dataOf({ data }: Job): unknown {
  return data;
}

/** Waits for a number of things. */
class Collector<T> {
  readonly items: T[] = [];
  readonly full: Promise<T[]>;
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(count: number) {
    this.full = this.count(count).then(() => this.items);
  }

  add(item: T): void {
    this.items.push(item);
    for (const { count, resolve } of this.#waiters) if (this.items.length >= count) resolve();
  }

  count(count: number): Promise<void> {
    if (this.items.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }
}

async function until<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
