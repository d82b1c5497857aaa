/** Under these policies nothing can be proved: not even innocent skills work. */
export class ProofError extends Error {
  override readonly name = "ProofError";
}
