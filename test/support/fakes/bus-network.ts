import {
  type Bus,
  type BusListener,
  type BusMessage,
  parseBusMessage,
} from "#application/ports/bus.ts";

/** What buses of several instances in one process speak over. */
export interface BusNetwork {
  join(): Bus;
}

/**
 * `carry` decides what becomes of each message for each receiver: whoever calls `deliver` later,
 * twice or never has a network that is late, doubles or loses.
 */
export function createBusNetwork(
  carry: (deliver: () => void, message: BusMessage) => void = queueMicrotask,
): BusNetwork {
  const members = new Set<(message: BusMessage) => void>();
  return {
    join: () => {
      const listeners = new Set<BusListener>();
      const take = (message: BusMessage) => {
        for (const listener of listeners) listener(message);
      };
      members.add(take);
      return {
        isShared: true,
        trouble: undefined,
        publish: (message) => {
          if (!members.has(take)) return;
          // As it comes out at the other end of a wire.
          const copy = parseBusMessage(JSON.parse(JSON.stringify(message)));
          if (copy === undefined) return;
          for (const member of members) {
            if (member !== take) carry(() => members.has(member) && member(copy), copy);
          }
        },
        listen: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        [Symbol.asyncDispose]: () => {
          members.delete(take);
          return Promise.resolve();
        },
      };
    },
  };
}
