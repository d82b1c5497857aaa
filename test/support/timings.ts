/**
 * The middle one of several, measured one after the other: of a single one it may be the machine
 * that was late. A pause of seconds, wherever it falls, changes none or one of them.
 */
export async function medianOf(
  times: number,
  measure: () => number | Promise<number>,
): Promise<number> {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push(await measure());
  return all.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN;
}

/** The quickest of three by the processor's time, of which others take little. */
export async function quickestMs(work: () => unknown): Promise<number> {
  return Math.min(await cpuMsOf(work), await cpuMsOf(work), await cpuMsOf(work));
}

/** What this process computes while something is done in it, which nothing else may go on beside. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
