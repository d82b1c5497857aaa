import { type Failure, Fault } from "#domain/shared/fault.ts";
import type { SecretMasker } from "./secret-masker.ts";

export function maskFailure(failure: Failure, masker: SecretMasker): Failure {
  const message = masker.mask(failure.message);
  return message === failure.message ? failure : { ...failure, message };
}

/** `error` itself where its message holds no secret, or where it is a bug, which nobody is shown. */
export function maskFault(error: unknown, masker: SecretMasker): unknown {
  if (!(error instanceof Fault)) return error;
  const message = masker.mask(error.message);
  if (message === error.message) return error;
  return new Fault(error.code, message, { cause: error, retryAfterMs: error.retryAfterMs });
}
