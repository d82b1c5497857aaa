import { test, vi } from "vitest";
import { oncePer } from "#domain/shared/once-per.ts";

test("oncePer() makes a thing once for each object, also where that is nothing", ({ expect }) => {
  type Box = { readonly n: number };
  const make = vi.fn<(box: Box) => Box | undefined>((box) =>
    box.n > 0 ? { n: box.n } : undefined,
  );
  const get = oncePer(make);
  const [one, same, none] = [{ n: 1 }, { n: 1 }, { n: 0 }];
  expect([get(one), get(same), get(none), get(none)]).toEqual([one, same, undefined, undefined]);
  expect(get(one)).toBe(get(one));
  expect(make.mock.calls).toEqual([[one], [same], [none]]);
});
