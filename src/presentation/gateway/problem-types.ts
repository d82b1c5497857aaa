/** What each code that REST answers with stands for; `/api/v1/problems/<code>` shows it. */
export const PROBLEM_TYPES = {
  "bad-frame": { status: 400, title: "The request cannot be read as it stands" },
  "idempotency-key-missing": { status: 400, title: "This request needs an Idempotency-Key" },
  unauthorized: { status: 401, title: "No valid credential came with the request" },
  forbidden: { status: 403, title: "Requests of this origin are not taken" },
  "insufficient-role": { status: 403, title: "The user's role is too low" },
  "insufficient-scope": { status: 403, title: "The credential lacks a scope" },
  "not-found": { status: 404, title: "There is no such thing, or none of yours" },
  "method-not-allowed": { status: 405, title: "This address does not take the method" },
  conflict: { status: 409, title: "The present state does not allow this" },
  "approval-closed": { status: 409, title: "The approval is decided, expired or revoked" },
  "approval-mismatch": { status: 409, title: "The call is another one than was shown" },
  "last-admin": { status: 409, title: "The last administrator must stay" },
  "request-in-progress": { status: 409, title: "The first request of this key is not done yet" },
  "too-large": { status: 413, title: "The body is too long" },
  misdirected: { status: 421, title: "The request was meant for another host" },
  "idempotency-key-reused": { status: 422, title: "The key was used for another request" },
  "rate-limited": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Something went wrong inside Nexflow" },
  overloaded: { status: 503, title: "Nexflow cannot take more at the moment" },
  storage_unavailable: { status: 503, title: "The storage cannot be reached" },
} as const;

export type ProblemCode = keyof typeof PROBLEM_TYPES;
