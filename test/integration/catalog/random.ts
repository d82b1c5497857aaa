/** Numbers that look random and are the same in every run. */
export function createRandom(seed: number) {
  let state = BigInt(seed) + 1n;
  const next = () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    return state >> 32n;
  };
  const below = (limit: number) => Number(next() % BigInt(limit));
  /** A whole number of either sign, of up to `bits` bits. */
  const bigint = (bits: number) => {
    let value = 0n;
    for (let have = 0; have < bits; have += 32) value = (value << 32n) | next();
    const cut = value & (2n ** BigInt(bits) - 1n);
    return below(2) === 0 ? cut : -cut;
  };
  return { below, bigint };
}
