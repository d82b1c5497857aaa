import { createCronerTimes } from "../../../src/infrastructure/schedules/croner-times.ts";
import { describeSchedules } from "../../contract/schedules.ts";
import { createMemorySchedules } from "../../support/fakes/memory-schedules.ts";

describeSchedules("memory", async () => {
  const memory = createMemorySchedules(createCronerTimes());
  return {
    ...memory,
    takeJobs: async () => memory.jobs.splice(0).map(({ data }) => data),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
