import { JOB_QUEUES } from "../../../src/application/ports/job-queues.ts";
import { parseUserId } from "../../../src/domain/shared/id.ts";
import { createCronerTimes } from "../../../src/infrastructure/schedules/croner-times.ts";
import { describeSchedules } from "../../contract/schedules.ts";
import { createMemorySchedules } from "../../support/fakes/memory-schedules.ts";
import { openJobEngine } from "../../support/open-job-engine.ts";
import { repositoriesOf, STORES } from "../../support/open-test-store.ts";

/** All that the tests enqueue is ready by then. */
const LATE = 2_000_000_000_000;

describeSchedules("memory", async () => {
  const memory = createMemorySchedules(createCronerTimes());
  return {
    ...memory,
    takeJobs: async () => memory.jobs.splice(0).map(({ data }) => data),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

for (const [name, open] of STORES) {
  describeSchedules(`a store ${name}`, async () => {
    const opened = await open();
    const { schedules, firings, housekeeping, users } = repositoriesOf(opened);
    for (const id of ["admin", "other"].map(parseUserId)) {
      await users.add({ id, name: id, role: "member", createdAtMs: 1 });
    }
    const engine = openJobEngine(opened, () => LATE);
    const queue = JOB_QUEUES.firing;
    let isOpen = false;
    return {
      schedules,
      firings,
      deleteOldFirings: (input) => housekeeping.deleteOldFirings(input),
      takeJobs: async () => {
        if (!isOpen) await engine.open([queue]);
        isOpen = true;
        return (await engine.fetch(queue, 10_000)).map(({ data }) => data);
      },
      [Symbol.asyncDispose]: async () => {
        if (isOpen) await engine.close();
        await opened[Symbol.asyncDispose]();
      },
    };
  });
}
