/** Lets a test wait for a condition that is looked at again whenever something has happened. */
export function createWaiter() {
  const waiting = new Set<() => void>();
  return {
    notify: (): void => {
      for (const look of waiting) look();
    },
    until: (condition: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
