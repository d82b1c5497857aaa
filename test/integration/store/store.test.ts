import { describeStore } from "../../contract/store.ts";
import { repositoriesOf, STORES } from "../../support/open-test-store.ts";

for (const [name, open] of STORES) {
  describeStore(name, async () => {
    const opened = await open();
    return {
      get turns() {
        return repositoriesOf(opened).turns;
      },
      get instances() {
        return repositoriesOf(opened).instances;
      },
      get sessions() {
        return repositoriesOf(opened).sessions;
      },
      get users() {
        return repositoriesOf(opened).users;
      },
      reopen: () => opened.reopen(),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });
}
