/**
 * What a session has come into touch with, for the Rule of Two: who has read what strangers wrote
 * and holds what is private must not act on the outside without a person's word.
 */
export interface SessionTaint {
  /** Where content from outside first came from, as "tool web.fetch"; it has seen none else. */
  readonly untrusted?: string;
  /** Where private data first came from, as "memory notes"; it holds none else. */
  readonly private?: string;
}

export const NO_TAINT: SessionTaint = {};

/** Both together. What came first stays as the source. */
export function mergeTaint(before: SessionTaint, more: SessionTaint): SessionTaint {
  return { ...more, ...before };
}

/** Whether `more` says something that `before` does not. */
export function addsTaint(before: SessionTaint, more: SessionTaint): boolean {
  return (
    (before.untrusted === undefined && more.untrusted !== undefined) ||
    (before.private === undefined && more.private !== undefined)
  );
}

/** Whether an external effect needs a person's word, whatever a policy allows. */
export function needsApproval(taint: SessionTaint): boolean {
  return taint.untrusted !== undefined && taint.private !== undefined;
}
