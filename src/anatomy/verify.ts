/**
 * @file Checks a reading on the model's own behaviour: what the graph computes must be what the anatomy says it is.
 * Reading follows structure; this catches a structure that only looks like one we know.
 */
import type { Fetches, NdArray } from "../runtime/runtime.js";
import type { Anatomy } from "./anatomy.js";

/** Runs the model on some image and gives back these values of its graph, which may lie inside it. */
export type RunValues = (names: readonly string[]) => Promise<Fetches>;

const TOLERANCE = 1e-3;

/** Sentences that say what does not hold; empty where all is well. The caller decides what images to run. */
export async function verifyAnatomy(anatomy: Anatomy, run: RunValues): Promise<readonly string[]> {
  const { output, blocks } = anatomy;
  const names = [...new Set([output.name, output.logits, ...blocks.map((b) => b.attention)])];
  const values = await run(names);
  const problems: string[] = [];
  for (const block of blocks) {
    const weights = values[block.attention];
    const problem = weights === undefined ? "was not computed" : attentionProblem(weights, block.tokens);
    if (problem !== undefined)
      problems.push(`The attention of ${block.name} (${block.attention}) ${problem}.`);
  }
  const logits = values[output.logits];
  const given = values[output.name];
  if (output.kind === "probabilities" && logits !== undefined && given !== undefined) {
    const problem = probabilityProblem(numbers(logits), numbers(given), output.classes);
    if (problem !== undefined) problems.push(`The output ${output.name} ${problem}.`);
  }
  return problems;
}

const numbers = (array: NdArray): number[] => Array.from(array.data, Number);

/** Rows of an attention matrix are distributions over the keys. */
function attentionProblem(weights: NdArray, tokens: number): string | undefined {
  const { dims } = weights;
  if (dims.at(-1) !== tokens || dims.at(-2) !== tokens) {
    return `has shape [${dims.join(", ")}], not matrices of ${tokens} tokens`;
  }
  const values = numbers(weights);
  for (let row = 0; row < values.length; row += tokens) {
    let sum = 0;
    for (let k = row; k < row + tokens; k++) {
      const weight = values[k] ?? 0;
      if (!(weight >= -TOLERANCE)) return "has negative or undefined weights";
      sum += weight;
    }
    if (Math.abs(sum - 1) > TOLERANCE) return `has rows that do not sum to 1 (${sum.toPrecision(4)})`;
  }
  return undefined;
}

/** Probabilities are the softmax, or one by one the sigmoid, of the logits. */
function probabilityProblem(
  logits: readonly number[],
  given: readonly number[],
  classes: number,
): string | undefined {
  const close = (expected: readonly number[]): boolean =>
    expected.length === given.length && expected.every((v, i) => Math.abs(v - (given[i] ?? 0)) <= TOLERANCE);
  const softmax: number[] = [];
  for (let row = 0; row < logits.length; row += classes) {
    const z = logits.slice(row, row + classes);
    const top = Math.max(...z);
    const e = z.map((v) => Math.exp(v - top));
    const total = e.reduce((sum, v) => sum + v, 0);
    softmax.push(...e.map((v) => v / total));
  }
  if (close(softmax) || close(logits.map((v) => 1 / (1 + Math.exp(-v))))) return undefined;
  return "is neither the softmax nor the sigmoid of what was taken for the logits";
}
