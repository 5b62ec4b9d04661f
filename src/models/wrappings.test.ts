import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unwrap } from "./wrappings.js";

const NAMES = ["cls_token", "blocks.0.norm1.weight", "head.weight"];

const names = (list: readonly string[]): string[] => [
  ...unwrap(new Map(list.map((name) => [name, name]))).tensors.keys(),
];

describe("unwrap", () => {
  it("takes off wrappers that all tensors share, in any order and number", () => {
    const wrapper = fc.constantFrom("module.", "backbone.", "_orig_mod.", "model.", "teacher.", "student.");
    fc.assert(
      fc.property(fc.array(wrapper, { maxLength: 6 }), (wrappers) => {
        const prefix = wrappers.join("");
        const { tensors, notes } = unwrap(new Map(NAMES.map((name) => [prefix + name, name])));
        expect([...tensors]).toEqual(NAMES.map((name) => [name, name]));
        expect(notes).toEqual([]);
      }),
    );
  });

  it("takes off torch.compile's name wherever it is", () => {
    expect(names(["blocks.0._orig_mod.norm1.weight", "_orig_mod._orig_mod.cls_token"])).toEqual([
      "blocks.0.norm1.weight",
      "cls_token",
    ]);
  });

  it("leaves names that only some tensors share, and names of libraries", () => {
    for (const list of [
      ["backbone.cls_token", "head.weight"],
      ["model.layer.0.norm.weight", "embeddings.cls_token"],
      ["vit.embeddings.cls_token", "vit.layernorm.weight"],
      ["swin.layernorm.weight", "classifier.weight"],
      ["modules.weight"],
      [],
    ]) {
      expect(names(list)).toEqual(list);
    }
  });

  it("keeps both of two names that would become one", () => {
    const list = ["_orig_mod.a.weight", "a.weight"];
    expect(names(list)).toEqual(list);
  });

  it("takes a teacher before its student, and the backbone without the projection heads", () => {
    const list = NAMES.flatMap((name) => [`student.backbone.${name}`, `teacher.backbone.${name}`]);
    const heads = ["teacher.ibot_head.last_layer.weight", "dino_loss.center", "ibot_patch_loss.center"];
    expect(names([...list, ...heads])).toEqual(NAMES);
    const { notes } = unwrap(new Map([...list, ...heads].map((name) => [name, name])));
    expect(notes).toEqual([
      'The 4 tensors under "teacher." are used; left out: "student.*" (3), "dino_loss.*" (1), "ibot_patch_loss.*" (1).',
      'The 3 tensors under "backbone." are used; left out: "ibot_head.*" (1).',
    ]);
  });

  it("does not take a classifier behind a backbone for a projection head", () => {
    const list = ["backbone.cls_token", "head.weight", "head.bias"];
    expect(names(list)).toEqual(list);
  });
});
