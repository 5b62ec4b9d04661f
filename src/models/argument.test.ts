import { describe, expect, it } from "vitest";
import { argumentsOf } from "./argument.js";

describe("the parameters of --arch", () => {
  it("are numbers, lists of them, switches, nothing, or text", () => {
    const parameters = {
      img_size: "48x80",
      depths: "2-2-4-2",
      mlp_ratio: "2.5",
      head_dim: "none",
      norm_eps: "1e-06",
      qk_norm: "True",
      act_layer: "gelu_tanh",
      empty: "",
    };
    expect(argumentsOf({ parameters })).toEqual({
      img_size: [48, 80],
      depths: [2, 2, 4, 2],
      mlp_ratio: 2.5,
      head_dim: null,
      norm_eps: 1e-6,
      qk_norm: true,
      act_layer: "gelu_tanh",
      empty: "",
    });
  });
});
