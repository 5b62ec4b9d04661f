/** @file Einsum's equations, which shapes, expansions and gradients read alike. */

export interface EinsumTerms {
  readonly inputs: readonly string[];
  readonly result: string;
}

/** Parses an equation, with the implicit result (labels that occur once, in order) written out. */
export function parseEquation(equation: string): EinsumTerms {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const inputs = left.split(",");
  if (right !== undefined) return { inputs, result: right };
  const all = [...inputs.join("")];
  const once = all.filter((label) => all.indexOf(label) === all.lastIndexOf(label));
  return { inputs, result: once.sort().join("") };
}
