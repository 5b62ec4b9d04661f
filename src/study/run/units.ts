/**
 * @file What is computed of a chunk of images with one model, and the key of each piece: all that determines its
 * numbers, and nothing else. Whoever adds a method, a metric or an image adds keys; those that were there stay.
 */
import { parseTarget } from "../../api/target.js";
import type { Control } from "../../metrics/controls.js";
import type { Metric } from "../../metrics/metric.js";
import { parseSpec } from "../../spec.js";
import type { PlannedImage } from "../plan/plan.js";
import type { StudyDeclaration, StudyMethod, StudyMetric, UnitKey } from "../types.js";
import type { CheckpointFacts } from "./types.js";

/** A map that is scored: a method's, or a control's. */
export type MapSource =
  | { readonly kind: "method"; readonly id: string; readonly method: StudyMethod }
  | { readonly kind: "control"; readonly id: string; readonly control: Control }
  | { readonly kind: "inverted"; readonly id: string; readonly method: StudyMethod };

export interface ScoreUnit {
  readonly key: UnitKey;
  readonly source: MapSource;
  readonly metric: StudyMetric;
}

export interface ChunkUnits {
  readonly predictions: UnitKey;
  /** By metric id. */
  readonly endpoints: ReadonlyMap<string, UnitKey>;
  /** By method id. */
  readonly maps: ReadonlyMap<string, UnitKey>;
  /** Method by method, controls behind; metric by metric. */
  readonly scores: readonly ScoreUnit[];
}

/** What the units of all chunks of one model on one data set have in common. */
export interface UnitContext {
  readonly declaration: StudyDeclaration;
  readonly engine: Readonly<Record<string, string>>;
  readonly facts: CheckpointFacts;
  /** Index among the model's classes of a label of the data set; undefined: none of them. */
  readonly classOf: (label: string) => number | undefined;
  /** By id. */
  readonly metrics: ReadonlyMap<string, Metric>;
}

export function chunkUnits(context: UnitContext, images: readonly PlannedImage[]): ChunkUnits {
  const { declaration, engine, facts } = context;
  const { sha256, options } = facts;
  const { source: _, warnings: __, ...preprocessing } = facts.preprocessing;
  const { batch, device } = declaration.run;
  const common = { engine, model: { sha256, options }, preprocessing, batch, device };
  const base = { ...common, images: images.map((image) => image.sha256) };
  const explained = { ...base, ...explainedClass(context, images) };
  const metricKey = ({ id }: StudyMetric) => {
    const metric = context.metrics.get(id);
    if (metric === undefined) throw new RangeError(`there is no metric ${id}`);
    const seed = metric.random === false ? {} : { seed: declaration.seed };
    return { metric: { name: metric.name, parameters: metric.parameters }, ...seed };
  };
  return {
    predictions: { kind: "predictions", ...base },
    endpoints: new Map(
      declaration.metrics.map((m) => [m.id, { kind: "endpoints", ...base, ...metricKey(m) }]),
    ),
    maps: new Map(
      workingMethods(context).map((m) => [m.id, { kind: "maps", ...explained, method: methodKey(facts, m) }]),
    ),
    scores: mapSources(context).flatMap((source) =>
      declaration.metrics.map((metric) => ({
        key: { kind: "scores", ...explained, ...sourceKey(context, source), ...metricKey(metric) },
        source,
        metric,
      })),
    ),
  };
}

/** The class as the model knows it: labels are names, and only what they stand for changes numbers. */
function explainedClass(
  { declaration, facts, classOf }: UnitContext,
  images: readonly PlannedImage[],
): Pick<UnitKey, "class" | "labels"> {
  const choice = declaration.class;
  if (choice === "top") return { class: "top" };
  if (choice !== "true") return { class: canonicalClass(choice, facts.labels) };
  return {
    class: "true",
    labels: images.map(({ label }) => (label === null ? null : (classOf(label) ?? null))),
  };
}

/** A class of the model by its number, whatever it is called; a difference of two as "1-0". */
function canonicalClass(text: string, labels: readonly string[]): string | number {
  const target = parseTarget(text, labels);
  return typeof target === "object" ? `${target.plus}-${target.minus}` : target;
}

function methodKey({ methods }: CheckpointFacts, { id, spec }: StudyMethod): NonNullable<UnitKey["method"]> {
  return { name: parseSpec(spec).name, parameters: methods[id] ?? {} };
}

function sourceKey(
  { facts, declaration }: UnitContext,
  source: MapSource,
): { readonly method: NonNullable<UnitKey["method"]> } {
  if (source.kind === "method") return { method: methodKey(facts, source.method) };
  if (source.kind === "inverted")
    return { method: { name: "inverted", parameters: { of: methodKey(facts, source.method) } } };
  const parameters = source.control === "random" ? { seed: declaration.seed } : {};
  return { method: { name: source.control, parameters } };
}

/** What decides which maps are scored. */
export interface Working {
  readonly declaration: StudyDeclaration;
  readonly facts: Pick<CheckpointFacts, "refused">;
}

/** Methods that work on this model, in declared order. */
export function workingMethods({ declaration, facts }: Working): readonly StudyMethod[] {
  return declaration.methods.filter(({ id }) => !Object.hasOwn(facts.refused, id));
}

/** What is scored on this model: methods in declared order, and the controls behind them. */
export function mapSources(context: Working): readonly MapSource[] {
  const methods = workingMethods(context);
  const own = methods.map((method): MapSource => ({ kind: "method", id: method.id, method }));
  const controls = context.declaration.controls.flatMap((control): readonly MapSource[] =>
    control === "inverted"
      ? methods.map((method) => ({ kind: "inverted", id: `inverted ${method.id}`, method }))
      : [{ kind: "control", id: control, control }],
  );
  return [...own, ...controls];
}

/** Everything, in the order in which it is computed: what others need comes first. */
export function unitKeys(units: ChunkUnits): readonly UnitKey[] {
  return [
    units.predictions,
    ...units.maps.values(),
    ...units.endpoints.values(),
    ...units.scores.map(({ key }) => key),
  ];
}
