/** @file What the commands' JSON and file names have in common. */
import type { NodeModel } from "../api/node/node-model.js";
import { NO_CLASSES } from "../api/target.js";
import type { Explanation } from "../api/types.js";
import type { Method } from "../explain/method.js";
import { VitreousError } from "../onnx/errors.js";

type ExplainedClass = NonNullable<Explanation["target"]>;

export function modelRecord(model: NodeModel) {
  const { name: path, sha256 } = model.facts;
  return { path, sha256, family: model.anatomy.family };
}

/** { index, label } of the explained class; with `minus` where a difference was explained */
export function classRecord(target: ExplainedClass, labels: readonly string[]) {
  const named = (index: number) => ({ index, label: labels[index] ?? String(index) });
  return target.minus === undefined
    ? named(target.index)
    : { ...named(target.index), minus: named(target.minus) };
}

/** The explained class in words: "benign", "benign - malignant". */
export function classText(target: ExplainedClass, labels: readonly string[]): string {
  const { index, minus } = target;
  const name = (i: number): string => labels[i] ?? String(i);
  return minus === undefined ? name(index) : `${name(index)} - ${name(minus)}`;
}

/** Throws VitreousError for a model that gives features: nothing can be scored on it. */
export function checkClasses({ anatomy, facts }: NodeModel): void {
  if (anatomy.output.kind === "features") throw new VitreousError(`${facts.name}: ${NO_CLASSES}`);
}

/** Throws VitreousError when a method does not work on the model: before a folder is made, and before any image is read. */
export function checkMethods(model: NodeModel, methods: readonly Method[]): void {
  for (const method of methods) {
    const why = model.unsupported(method);
    if (why !== undefined) throw new VitreousError(`${model.facts.name}: ${why}`);
  }
}
