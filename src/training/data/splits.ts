/**
 * @file Which images train, choose and test a model, as a record that others reproduce the split from: paths within the
 * data set, nothing of this machine.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";

export const PARTS = ["train", "validation", "test"] as const;
export type Part = (typeof PARTS)[number];

/** What data sets call the parts. */
const NAMES: Readonly<Record<string, Part>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
};

/** The part that a data set means by a name; undefined where it is none of the usual ones. */
export const partNamed = (name: string): Part | undefined => NAMES[name.trim().toLowerCase()];

const item = z.strictObject({
  path: z.string().min(1),
  label: z.string(),
  group: z.string().optional(),
  split: z.enum(PARTS),
});

const schema = z.object({
  version: z.literal(1),
  /** The data set's name and layout, for people. */
  dataset: z.strictObject({ name: z.string(), layout: z.string() }),
  /** Who decided: the data set's own column, the seed, or the column with what it lacks made from its train part. */
  decidedBy: z.enum(["data set", "seed", "data set and seed"]),
  seed: z.number().int(),
  fractions: z.strictObject({ train: z.number(), validation: z.number(), test: z.number() }),
  /** In the order of class numbers. */
  classes: z.array(z.string()).min(1),
  items: z.array(item),
  /** Images in no part, and why. */
  setAside: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  /** Images that look almost alike, where they were looked for: two paths and their likeness, 1 for the same picture. */
  nearDuplicates: z.array(z.tuple([z.string(), z.string(), z.number()])).optional(),
  /** What a person should know before trusting a score. */
  warnings: z.array(z.string()),
});

export type SplitItem = Readonly<z.output<typeof item>>;
export type SplitRecord = Readonly<z.output<typeof schema>>;

/** Images of each class in each part: counts.get(part)[class number]. */
export function splitCounts(
  record: Pick<SplitRecord, "classes" | "items">,
): ReadonlyMap<Part, readonly number[]> {
  const number = new Map(record.classes.map((label, i) => [label, i]));
  const counts = new Map(PARTS.map((part) => [part, record.classes.map(() => 0)]));
  for (const { label, split } of record.items) {
    const row = counts.get(split);
    const at = number.get(label);
    if (row && at !== undefined) row[at] = (row[at] ?? 0) + 1;
  }
  return counts;
}

/** One image or pair a line, so that two splits can be compared by any tool that compares lines. */
export function writeSplits(record: SplitRecord): string {
  const { items, nearDuplicates, ...rest } = record;
  const head = JSON.stringify(rest, undefined, 2).replace(/\n}$/, "");
  const list = (name: string, rows: readonly unknown[]): string =>
    rows.length === 0
      ? `  "${name}": []`
      : `  "${name}": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]`;
  const lists = [
    ...(nearDuplicates === undefined ? [] : [list("nearDuplicates", nearDuplicates)]),
    list("items", items),
  ];
  return `${[head, ...lists].join(",\n")}\n}\n`;
}

/**
 * Reads a record back.
 *
 * @param name How messages call it.
 * @throws VitreousError when it is no such record, names an image or a class twice, or has a label that is no class.
 */
export function readSplits(text: string, name: string): SplitRecord {
  const json = (() => {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new VitreousError(
        `${name} is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
        {
          cause: error,
        },
      );
    }
  })();
  const result = schema.safeParse(json);
  if (!result.success) {
    const first = result.error.issues[0];
    throw new VitreousError(`${name} is no record of a split: ${first?.path.join(".")}: ${first?.message}.`);
  }
  const { classes } = result.data;
  const twice = classes.find((label, i) => classes.indexOf(label) !== i);
  if (twice !== undefined) throw new VitreousError(`${name} names the class "${twice}" twice.`);
  const seen = new Set<string>();
  for (const { path, label } of result.data.items) {
    if (seen.has(path)) throw new VitreousError(`${name} names ${path} twice.`);
    seen.add(path);
    if (!classes.includes(label)) {
      throw new VitreousError(`${name}: ${path} is of the class "${label}", which is not among the classes.`);
    }
  }
  return result.data;
}
