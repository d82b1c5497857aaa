import { describeHousekeeping } from "../../contract/housekeeping.ts";
import { repositoriesOf, STORES } from "../../support/open-test-store.ts";

for (const [name, open] of STORES) {
  describeHousekeeping(name, async () => {
    const opened = await open();
    const dispose = () => opened[Symbol.asyncDispose]();
    return { ...repositoriesOf(opened), [Symbol.asyncDispose]: dispose };
  });
}
