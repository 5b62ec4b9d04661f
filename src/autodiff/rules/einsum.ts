/**
 * @file The gradient of Einsum is an Einsum: the operand's labels become the result's. Labels that only the
 * operand itself has were summed away, so there the gradient is spread out again.
 */
import { string, stringAttribute } from "../../onnx/attributes.js";
import { parseEquation } from "../../onnx/einsum.js";
import type { Rule, RuleTable } from "../rule.js";
import { unsupported } from "../rule.js";

const einsum: Rule = (context) => {
  const { emit, node, dy } = context;
  const equation = stringAttribute(node, "equation", "");
  if (equation.includes(".")) unsupported(context, `its equation "${equation}" has an ellipsis`);
  const terms = parseEquation(equation);
  return node.inputs.map((_, index) => () => {
    const wanted = [...(terms.inputs[index] ?? "")];
    if (new Set(wanted).size !== wanted.length) {
      return unsupported(context, `a label occurs twice in "${wanted.join("")}"`);
    }
    const others = terms.inputs.filter((__, i) => i !== index);
    const known = new Set([terms.result, ...others].join(""));
    const reached = wanted.filter((label) => known.has(label)).join("");
    const inputs = [dy, ...node.inputs.filter((__, i) => i !== index)];
    const gradient = emit.op("Einsum", inputs, {
      equation: string(`${[terms.result, ...others].join(",")}->${reached}`),
    });
    const summed = wanted.flatMap((label, axis) => (known.has(label) ? [] : [axis]));
    return summed.length === 0 ? gradient : { kind: "spread", value: emit.unsqueeze(gradient, summed) };
  });
};

export const einsumRules: RuleTable = { Einsum: einsum };
