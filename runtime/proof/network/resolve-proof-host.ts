type Addresses = readonly { readonly address: string }[];

/** The names of attacks on the network; what else there is has no address. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "api.proof.test": ["127.0.0.1"],
  "unlisted.test": ["127.0.0.1"],
  "mixed.names.proof.test": ["127.0.0.1", "127.0.0.2"],
  "loopback.names.proof.test": ["127.0.0.2"],
  "unspecified.names.proof.test": ["0.0.0.0"],
  "private.names.proof.test": ["10.0.0.1"],
  "home.names.proof.test": ["192.168.1.1"],
  "carrier.names.proof.test": ["100.64.0.1"],
  "metadata.names.proof.test": ["169.254.169.254"],
  "loopback-v6.names.proof.test": ["::1"],
  "local-v6.names.proof.test": ["fe80::1"],
  "unique-local.names.proof.test": ["fd00::1"],
  "mapped.names.proof.test": ["::ffff:127.0.0.2"],
  "compatible.names.proof.test": ["::127.0.0.2"],
  "nat64.names.proof.test": ["64:ff9b::7f00:2"],
  "six-to-four.names.proof.test": ["2002:7f00:2::"],
  "multicast.names.proof.test": ["224.0.0.1"],
  "broadcast.names.proof.test": ["255.255.255.255"],
  "zone.names.proof.test": ["fe80::1%eth0"],
  localhost: ["127.0.0.2"],
};
/** Good once, then bad: as a server does that its owner can change at any moment. */
const REBOUND = "rebound.names.proof.test";

/** A name server of attackers. */
export function createResolver() {
  let asked = 0;
  return {
    resolveHost: async (host: string): Promise<Addresses> => {
      const addresses = host === REBOUND ? rebound() : (ADDRESSES[host] ?? []);
      return addresses.map((address) => ({ address }));
    },
    clear: () => {
      asked = 0;
    },
  };

  function rebound(): readonly string[] {
    asked += 1;
    return [asked === 1 ? "127.0.0.1" : "127.0.0.2"];
  }
}
