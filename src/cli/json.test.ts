import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prettyJson } from "./json.js";

describe("indented JSON", () => {
  it("is the same value as JSON.stringify's, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(prettyJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("keeps what is short on one line and breaks what is long", () => {
    expect(prettyJson({ a: [1, 2], b: undefined })).toBe('{"a": [1, 2]}');
    expect(prettyJson({ a: "x".repeat(120), b: [1, 2] })).toBe(
      `{\n  "a": "${"x".repeat(120)}",\n  "b": [1, 2]\n}`,
    );
  });
});
