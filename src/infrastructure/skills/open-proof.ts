import { type ProofEvent, type ProofOptions, proveSandbox } from "../../../runtime/index.ts";
import { throwPolicyFault } from "./open-skills.ts";

/** The proof of the sandbox. Throws `Fault` (`CONFIG_INVALID`) where the policies cannot be used. */
export async function* openProof(options: ProofOptions): AsyncGenerator<ProofEvent, void> {
  try {
    yield* proveSandbox(options);
  } catch (error) {
    throwPolicyFault(error);
  }
}
