import { describe, expect, it } from "vitest";
import { byModelType } from "./class-names.js";

const typeOf = (name: string) => byModelType({ name, parameters: { image_size: "64" } });

describe("a Hugging Face model's name", () => {
  it("may be its class, whatever its head, and keeps its parameters", () => {
    expect(typeOf("ViTForImageClassification")).toEqual({ name: "vit", parameters: { image_size: "64" } });
    expect(typeOf("DeiTForImageClassificationWithTeacher")?.name).toBe("deit");
    expect(typeOf("Dinov2WithRegistersModel")?.name).toBe("dinov2_with_registers");
    expect(typeOf("DINOv3ViTBackbone")?.name).toBe("dinov3_vit");
  });

  it("is left as it is where it is none of these", () => {
    for (const name of ["vit", "vit_b_16", "ResNetForImageClassification", "Model", "constructorModel"])
      expect(typeOf(name)?.name).toBe(name);
    expect(byModelType(undefined)).toBeUndefined();
  });
});
