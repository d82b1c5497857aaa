import type { Ruling } from "../../policy/grants.ts";

/** Why a request is not made, or not answered, in words for the guest, and what decided so. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  /** Absent where nothing forbids the request: it failed, or is no request. */
  readonly ruling: Ruling | undefined;

  constructor(message: string, ruling?: Ruling) {
    super(message);
    this.ruling = ruling;
  }
}

/** A refusal that no policy can change. */
export function refuse(message: string, rule = "http request"): HttpRefusal {
  return new HttpRefusal(message, { verdict: "denied", rule: `platform: ${rule}` });
}
