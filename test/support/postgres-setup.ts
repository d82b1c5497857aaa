import type { TestProject } from "vitest/node";
import { PostgresBroker } from "./postgres-broker.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The address of this run's `PostgresBroker`. */
    readonly postgresBroker: string;
  }
}

/** Once for each run of tests: one server for all files that ask, none where no file does. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await PostgresBroker.open();
  project.provide("postgresBroker", broker.url);
  return () => broker[Symbol.asyncDispose]();
}
