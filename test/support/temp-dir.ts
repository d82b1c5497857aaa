import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A directory for one test, removed at the end of the scope. */
export async function openTempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-test-"));
  return {
    path: dir,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}
