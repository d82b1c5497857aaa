import type { HttpRule } from "./grants.ts";

/** A rule on one line: "GET, POST https://api.example.org:443 /v1". */
export function describeHttpRule({ methods, schemes, host, ports, paths }: HttpRule): string {
  const method = methods?.join(",") ?? "any method";
  const scheme = schemes?.join(",") ?? "any";
  const port = ports?.join(",") ?? "any";
  return `${method} ${scheme}://${host}:${port} ${paths?.join(" ") ?? "any path"}`;
}
