import { describe, test } from "vitest";
import { parseSecretValues } from "../../../../../runtime/broker/secrets/secret-values.ts";

describe("parseSecretValues()", () => {
  test("takes values as they are", ({ expect }) => {
    const values = parseSecretValues({ A: "12345678", B: "Basic a b~" });
    expect([...values]).toEqual([
      ["A", "12345678"],
      ["B", "Basic a b~"],
    ]);
  });

  test.for(["", "1234567", "a".repeat(4_097)])(
    "refuses a value of the length of %j",
    (value, { expect }) => {
      expect(() => parseSecretValues({ TOKEN: value })).toThrow(
        'Cannot use secret "TOKEN": expected 8 to 4096 characters',
      );
    },
  );

  test.for([
    "12345678\n",
    " 12345678",
    "12345678 ",
    "1234\r\n5678",
    "1234\u00005678",
    "1234567\u{E9}",
  ])("refuses %j without showing it", (value, { expect }) => {
    const parse = () => parseSecretValues({ TOKEN: value });
    expect(parse).toThrow('Cannot use secret "TOKEN": expected visible ASCII text');
    expect(parse).not.toThrow("1234");
  });
});
