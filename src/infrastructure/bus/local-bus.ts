import type { Bus } from "#application/ports/bus.ts";

/** The bus of an instance that is alone: there is nobody to tell, and nobody who says anything. */
export function createLocalBus(): Bus {
  return {
    isShared: false,
    trouble: undefined,
    publish: () => undefined,
    listen: () => () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
