// AssemblyScript has no catch: the first failure sticks, every step after it returns at once, and
// the entry point tells it.

/** Steps over limbs that one call may take: about half a second. */
const MAX_WORK: u64 = 300_000_000;

let message: string = "";
let isUnsure: bool = false;
let work: u64 = 0;

export function fail(text: string): void {
  if (message.length == 0) message = text;
}

/** The precision at hand does not tell the answer: the caller may try again with more. */
export function failUnsure(text: string): void {
  if (message.length > 0) return;
  message = text;
  isUnsure = true;
}

export function hasFailed(): bool {
  return message.length > 0;
}

export function failure(): string {
  return message;
}

/** Clears a failure that more precision may mend; false where one of another kind stays. */
export function clearUnsure(): bool {
  if (isUnsure) message = "";
  isUnsure = false;
  return message.length == 0;
}

export function spend(steps: u64): void {
  work += steps;
  if (work > MAX_WORK) fail("it takes too much work");
}
