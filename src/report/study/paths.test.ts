import { describe, expect, it } from "vitest";
import { lastName, withoutFolders } from "./paths.js";

describe("paths in a report", () => {
  it("are names alone", () => {
    expect(lastName("/home/me/data/pbc/")).toBe("pbc");
    expect(lastName("C:\\Users\\me\\pbc")).toBe("pbc");
    expect(lastName("hf:owner/name")).toBe("hf:owner/name");
  });

  it("lose their folders in sentences, with spaces where the path is known", () => {
    expect(withoutFolders("/home/me/a b/x.png is damaged", ["/home/me/a b"])).toBe("a b/x.png is damaged");
    expect(withoutFolders('cannot read "/mnt/disk/models/vit/config.json": empty')).toBe(
      'cannot read "config.json": empty',
    );
    expect(withoutFolders("C:\\Users\\me\\model.onnx: no head")).toBe("model.onnx: no head");
    expect(withoutFolders("see ~/models/vit.pth")).toBe("see vit.pth");
  });

  it("are told from what only has strokes in it", () => {
    for (const text of ["https://example.org/a/b", "hf:owner/name", "images/s", "a/b.png", "5 / 7", "1/255"])
      expect(withoutFolders(text)).toBe(text);
  });
});
