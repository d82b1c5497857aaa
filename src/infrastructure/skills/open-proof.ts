import { Fault } from "#domain/shared/fault.ts";
import {
  ProofError,
  type ProofEvent,
  type ProofOptions,
  proveSandbox,
} from "../../../runtime/index.ts";
import { throwPolicyFault } from "./open-skills.ts";

/** The proof of the sandbox. Throws `Fault` (`CONFIG_INVALID`) where the policies cannot be used. */
export async function* openProof(options: ProofOptions): AsyncGenerator<ProofEvent, void> {
  try {
    yield* proveSandbox(options);
  } catch (error) {
    if (!(error instanceof ProofError)) throwPolicyFault(error);
    throw new Fault("CONFIG_INVALID", error.message, { cause: error });
  }
}
