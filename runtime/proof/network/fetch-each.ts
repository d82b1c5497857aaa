import type { Attack, AttackCall } from "../attack.ts";

/** The body of a guest that makes all requests of its input: what it read, or why it did not. */
export const FETCH_EACH = `
  const seen = [];
  for (const [url, options] of input.requests) {
    try {
      const answer = await host.http.fetch(url, options);
      seen.push([answer.status, answer.text().slice(0, 100)]);
    } catch (error) {
      seen.push(error.message);
    }
  }
  return seen;`;

type Request = readonly [url: string, options?: Readonly<Record<string, string | object>>];

/** A call that makes a request that is granted and then `requests`. */
export function fetching(...requests: readonly (string | Request)[]): readonly AttackCall[] {
  const all = ["http://api.proof.test:{port}/v1/hello", ...requests];
  const listed = all.map((each) => (typeof each === "string" ? [each] : each));
  return [{ input: { requests: JSON.parse(JSON.stringify(listed)) } }];
}

/** The first request, which is granted, was answered, and no other one. */
export const onlyTheFirst: NonNullable<Attack["verify"]> = ({ result }) => {
  if (result.kind === "error") return undefined;
  const [first, ...others] = Array.isArray(result.output) ? result.output : [];
  if (JSON.stringify(first) !== '[200,"hello"]') return `the granted request gave ${String(first)}`;
  const answered = others.find((each) => typeof each !== "string");
  return answered === undefined ? undefined : `a request gave ${JSON.stringify(answered)}`;
};
