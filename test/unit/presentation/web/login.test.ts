import { test } from "vitest";
import { takeLinkToken } from "../../../../src/presentation/web/login.ts";

function openAt(hash: string) {
  const urls: string[] = [];
  const history = {
    replaceState: (_data: unknown, _unused: string, url: string) => urls.push(url),
  };
  const location = { hash, pathname: "/", search: "?a=1" };
  return { urls, token: takeLinkToken({ location, history }) };
}

test("takeLinkToken() takes the token and clears the address", ({ expect }) => {
  expect(openAt("#token=abc%2B1")).toEqual({ token: "abc+1", urls: ["/?a=1"] });
});

test("takeLinkToken() clears an empty token and leaves other fragments alone", ({ expect }) => {
  expect(openAt("#token=")).toEqual({ token: undefined, urls: ["/?a=1"] });
  expect(openAt("#/c/s1")).toEqual({ token: undefined, urls: [] });
  expect(openAt("")).toEqual({ token: undefined, urls: [] });
});
