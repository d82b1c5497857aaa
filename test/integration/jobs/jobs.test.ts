import { describeJobs } from "../../contract/jobs.ts";
import { createMemoryJobEngine, MemoryJobs } from "../../support/fakes/memory-job-engine.ts";
import { openJobEngine } from "../../support/open-job-engine.ts";
import { STORES } from "../../support/open-test-store.ts";

describeJobs("memory", async () => {
  const jobs = new MemoryJobs();
  return {
    isShared: true,
    openEngine: async () => createMemoryJobEngine(jobs),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

for (const [name, open] of STORES) {
  describeJobs(`a store ${name}`, async () => {
    const opened = await open();
    return {
      isShared: opened.store.location.kind === "postgres",
      openEngine: async () => openJobEngine(opened),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });
}
