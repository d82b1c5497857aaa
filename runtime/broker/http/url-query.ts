/** `query` without the named parameters; what is left keeps its bytes. */
export function withoutParameters(query: string, names: ReadonlyMap<string, string>): string {
  if (names.size === 0 || query === "") return query;
  const kept = query
    .slice(1)
    .split("&")
    .filter((pair) => ![...new URLSearchParams(pair).keys()].some((name) => names.has(name)));
  return toQuery(kept);
}

/** `query` with the parameters at its end. */
export function withParameters(query: string, parameters: ReadonlyMap<string, string>): string {
  const added = [...parameters].map((parameter) => new URLSearchParams([parameter]).toString());
  return toQuery([...(query === "" ? [] : [query.slice(1)]), ...added]);
}

function toQuery(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
