/**
 * @file The gradient of Einsum is an Einsum: the operand's labels become the result's. Labels that only the
 * operand itself has were summed away, so there the gradient is spread out again.
 */
import { string, stringAttribute } from "../../onnx/attributes.js";
import type { Rule, RuleTable } from "../rule.js";
import { output, rankOf, unsupported } from "../rule.js";

interface Terms {
  readonly inputs: readonly string[];
  readonly result: string;
}

/** Labels of a term without its ellipsis. */
const labels = (term: string): readonly string[] => [...term.replace("...", "")];

/** Parses an equation, with the implicit result (labels that occur once, in order) written out. */
export function parseEquation(equation: string): Terms {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const inputs = left.split(",");
  if (right !== undefined) return { inputs, result: right };
  const all = inputs.flatMap(labels);
  const once = [...new Set(all)].filter((label) => all.filter((other) => other === label).length === 1);
  return { inputs, result: (left.includes("...") ? "..." : "") + once.sort().join("") };
}

const einsum: Rule = (context) => {
  const { emit, node, dy } = context;
  const terms = parseEquation(stringAttribute(node, "equation", ""));
  return node.inputs.map((name, index) => () => {
    const wanted = terms.inputs[index] ?? "";
    if (new Set(labels(wanted)).size !== labels(wanted).length) {
      return unsupported(context, `a label occurs twice in "${wanted}"`);
    }
    const others = node.inputs.filter((_, i) => i !== index);
    const otherTerms = terms.inputs.filter((_, i) => i !== index);
    const ellipses = [wanted, terms.result, ...otherTerms].filter((term) => term.includes("...")).length;
    const ranks = new Set(
      [...node.inputs, output(context)].map((value, i) => {
        const term = [...terms.inputs, terms.result][i] ?? "";
        return term.includes("...") ? rankOf(context, value) - labels(term).length : -1;
      }),
    );
    ranks.delete(-1);
    if (ellipses > 0 && (ranks.size > 1 || !wanted.includes("...") || !terms.result.includes("..."))) {
      return unsupported(context, "its ellipses stand for different numbers of axes");
    }
    const found = new Set([terms.result, ...otherTerms].flatMap(labels));
    const present = labels(wanted).filter((label) => found.has(label));
    const reached = (wanted.includes("...") ? "..." : "") + present.join("");
    const equation = `${[terms.result, ...otherTerms].join(",")}->${reached}`;
    const gradient = emit.op("Einsum", [dy, ...others], { equation: string(equation) });
    const direct = wanted.startsWith("...") || !wanted.includes("...");
    if (!direct) return unsupported(context, `the ellipsis of "${wanted}" is not in front`);
    if (present.length === labels(wanted).length) return gradient;
    const rank = rankOf(context, name);
    const first = rank - labels(wanted).length;
    const missing = labels(wanted).flatMap((label, i) => (found.has(label) ? [] : [first + i]));
    return { kind: "spread", value: emit.unsqueeze(gradient, missing) };
  });
};

export const einsumRules: RuleTable = { Einsum: einsum };
