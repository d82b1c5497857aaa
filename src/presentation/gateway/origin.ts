export interface OwnAddresses {
  /** Whether a request with this `Host` was meant for us; keeps rebound DNS names out. */
  isOwnHost(host: string): boolean;
  /** Whether a page of this `Origin` is ours. */
  isOwnOrigin(origin: string): boolean;
  /** Whether people reach this `Host` by https, so that cookies may be marked `Secure`. */
  isSecure(host: string): boolean;
}

export interface OwnAddressesOptions {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
}

/** The addresses that are ours: loopback and `host` with `port`, and the one people use. */
export function createOwnAddresses({ host, port, publicUrl }: OwnAddressesOptions): OwnAddresses {
  const bound = host.includes(":") ? `[${host}]` : host;
  const local = ["127.0.0.1", "localhost", "[::1]", bound].map(
    (name) => new URL(`http://${name}:${port}`),
  );
  const outside = publicUrl === undefined ? [] : [new URL(publicUrl)];
  const hosts = new Set([...local, ...outside].map((url) => url.host));
  const origins = new Set([...local, ...outside].map((url) => url.origin));
  const secureHosts = new Set(
    outside.filter(({ protocol }) => protocol === "https:").map((url) => url.host),
  );
  return {
    isOwnHost: (name) => hosts.has(name.toLowerCase()),
    isOwnOrigin: (origin) => origins.has(origin),
    isSecure: (name) => secureHosts.has(name.toLowerCase()),
  };
}
