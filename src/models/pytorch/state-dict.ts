/**
 * @file Finds the model's tensors in what a training script saved: a state dict, or a dictionary that holds one or
 * several beside the optimizer's and the epoch. Where there are several, the choice is always the same and is told.
 */
import { VitreousError } from "../../onnx/errors.js";
import { quoted } from "../byte-source.js";
import { type Dict, describe, ofKind, type TensorRecord, type Value } from "./values.js";

/**
 * Keys under which models are saved, the preferred first. Averaged weights come before the raw ones, as timm's
 * load_checkpoint has it; a teacher before its student, as DINO's authors evaluate it.
 */
const MODEL_KEYS = [
  "state_dict_ema",
  "model_ema",
  "ema_state_dict",
  "ema",
  "model_state_dict",
  "state_dict",
  "model",
  "teacher",
  "student",
];

/** Wrappings in wrappings in wrappings. */
const MAX_DEPTH = 4;

/** Names given in full in a message. */
const NAMED = 8;

/** Dictionaries looked into. */
const MAX_DICTS = 100_000;

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TensorRecord>;
  readonly notes: readonly string[];
}

interface Candidate {
  readonly path: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorRecord>;
}

function tensorsOf({ entries }: Dict): ReadonlyMap<string, TensorRecord> {
  const tensors = new Map<string, TensorRecord>();
  for (const [key, value] of entries) {
    const tensor = typeof key === "string" ? ofKind(value, "tensor") : undefined;
    if (typeof key === "string" && tensor) tensors.set(key, tensor);
  }
  return tensors;
}

/** Every dictionary with tensors in it, by breadth; each is visited once, since a pickle may hold itself. */
function candidates(root: Dict): readonly Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<Dict>([root]);
  const open: { readonly dict: Dict; readonly path: readonly string[] }[] = [{ dict: root, path: [] }];
  // What is pushed on the way is visited too.
  for (const { dict, path } of open) {
    // An optimizer's state has tensors of its own under the numbers of the parameters.
    if (dict.entries.has("param_groups")) continue;
    const tensors = tensorsOf(dict);
    if (tensors.size > 0) found.push({ path, tensors });
    if (path.length === MAX_DEPTH) continue;
    for (const [key, value] of dict.entries) {
      const inner = ofKind(value, "dict");
      if (typeof key !== "string" || !inner || seen.has(inner) || seen.size > MAX_DICTS) continue;
      seen.add(inner);
      open.push({ dict: inner, path: [...path, key] });
    }
  }
  return found;
}

const isWrapped = ({ path }: Candidate): boolean =>
  path.length > 0 && path.every((key) => MODEL_KEYS.includes(key));

function preference(a: Candidate, b: Candidate): number {
  const rank = (key: string | undefined): number =>
    key === undefined ? MODEL_KEYS.length : MODEL_KEYS.indexOf(key);
  for (let i = 0; i < Math.max(a.path.length, b.path.length); i++) {
    const difference = rank(a.path[i]) - rank(b.path[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

const called = ({ path }: Candidate): string =>
  path.length === 0 ? "the outermost dictionary" : path.map(quoted).join(" → ");

/** @param root what the file holds */
export function findStateDict(root: Value): StateDict {
  const dict = ofKind(root, "dict");
  if (!dict) {
    throw new VitreousError(`it holds ${describe(root)}, not a dictionary of tensors. ${ADVICE}`);
  }
  const found = candidates(dict);
  const wrapped = found.filter(isWrapped);
  const most = wrapped.reduce((max, { tensors }) => Math.max(max, tensors.size), 0);
  const isModel = ({ tensors }: Candidate): boolean => 2 * tensors.size >= most;
  const [chosen] = wrapped.filter(isModel).sort(preference);
  if (!chosen) return findUnnamed(found, dict);
  const others = found.filter((candidate) => candidate !== chosen && isModel(candidate)).map(called);
  const notes =
    others.length === 0
      ? []
      : [`The tensors under ${called(chosen)} are used, not those under ${listed(others)}.`];
  return { tensors: chosen.tensors, notes };
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ", …" : ""}`;
}

const ADVICE = `Save the weights alone: torch.save(model.state_dict(), "weights.pth").`;

/** Under no usual key: the dictionary that has most of all tensors. */
function findUnnamed(found: readonly Candidate[], root: Dict): StateDict {
  const [largest, ...rest] = [...found].sort((a, b) => b.tensors.size - a.tensors.size);
  if (!largest) {
    const keys = [...root.entries.keys()].filter((key) => typeof key === "string");
    throw new VitreousError(
      `it holds no tensors by name${keys.length > 0 ? `; its keys are ${listed(keys.map(quoted))}` : ""}. ${ADVICE}`,
    );
  }
  if (rest.reduce((sum, { tensors }) => sum + tensors.size, 0) >= largest.tensors.size) {
    throw new VitreousError(
      `it holds several dictionaries of tensors and none under a usual key: ${listed(found.map((c) => `${called(c)} (${c.tensors.size})`))}. Save the one you mean alone with torch.save.`,
    );
  }
  const notes = largest.path.length === 0 ? [] : [`The tensors under ${called(largest)} are used.`];
  return { tensors: largest.tensors, notes };
}
