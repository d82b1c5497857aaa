import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What a forked program says next. Rejects when it ends without a word. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const died = once(child, "exit", { signal }).then(([code]) => {
    const program = child.spawnargs.slice(1).join(" ");
    throw new Error(`Cannot measure: "${program}" ended with ${String(code)}`);
  });
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), died])) as [unknown];
    return message;
  } finally {
    died.catch(() => undefined);
    settled.abort();
  }
}
