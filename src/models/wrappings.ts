/**
 * @file Undoes what training code puts around a model: DataParallel's "module.", torch.compile's "_orig_mod.", a
 * Lightning module's "model.", DINO's "teacher.backbone.". Architectures then see the names that the library gave.
 */
import { quoted } from "./byte-source.js";

/** Names of wrappers, the preferred first where two of them share a checkpoint: DINO's teacher is what is evaluated. */
const WRAPPERS = ["_orig_mod", "module", "model", "teacher", "student", "backbone"];

/** Wrappers around wrappers. */
const MAX_WRAPPERS = 8;

const COMPILED = /(?<=^|\.)_orig_mod\./g;

/** Groups of tensors named in a note. */
const NAMED = 6;

/** The part of self-supervised training that is thrown away afterwards. */
const PROJECTION_HEAD = /^(head\.(mlp|last_layer)|dino_head|ibot_head)\./;

/** What training keeps beside a model: a loss with its centres and class weights, SWA's count of averaged models. */
const TRAINING = /^(n_averaged$|criterion\.|loss(_fn|_fct)?\.|(dino|ibot|ibot_patch|koleo)_loss\.)/;

export interface Unwrapped<T> {
  readonly tensors: ReadonlyMap<string, T>;
  /** What was chosen and what was left out; a sentence each. */
  readonly notes: readonly string[];
}

/** Some wrapper's tensors without its name, if the others around them are known and not needed. */
function unwrapOnce<T>(tensors: ReadonlyMap<string, T>): Unwrapped<T> | undefined {
  const names = [...tensors.keys()];
  for (const wrapper of WRAPPERS) {
    const prefix = `${wrapper}.`;
    const rest = names.filter((name) => !name.startsWith(prefix));
    if (rest.length === names.length || !rest.every((name) => isLeftOut(name, wrapper))) continue;
    const kept = names
      .filter((name) => name.startsWith(prefix))
      .flatMap((name) => {
        const tensor = tensors.get(name);
        return tensor === undefined ? [] : [[name.slice(prefix.length), tensor] as const];
      });
    const notes =
      rest.length === 0
        ? []
        : [`The ${kept.length} tensors under "${prefix}" are used; left out: ${summary(rest)}.`];
    return { tensors: new Map(kept), notes };
  }
  return undefined;
}

function isLeftOut(name: string, wrapper: string): boolean {
  if (TRAINING.test(name)) return true;
  if (wrapper === "backbone") return PROJECTION_HEAD.test(name);
  return wrapper === "teacher" && name.startsWith("student.");
}

/** Names by what they begin with: "student.*" (300), "dino_loss.*" (1). */
function summary(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const [first = name, ...others] = name.split(".");
    const group = others.length > 0 ? `${first}.*` : first;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const shown = [...counts].slice(0, NAMED).map(([group, count]) => `${quoted(group)} (${count})`);
  return `${shown.join(", ")}${counts.size > NAMED ? ", …" : ""}`;
}

/** torch.compile may be put around parts of a model: no library has such a name of its own. */
function withoutCompiled<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const renamed = new Map([...tensors].map(([name, tensor]) => [name.replace(COMPILED, ""), tensor]));
  return renamed.size === tensors.size ? renamed : tensors;
}

/**
 * The tensors by the names that they have in their library. A wrapper's name goes only where all tensors have it,
 * but for what training alone needed, which a note then names. "vit.", "swin." and the like are names of libraries.
 */
export function unwrap<T>(tensors: ReadonlyMap<string, T>): Unwrapped<T> {
  let current = withoutCompiled(tensors);
  const notes: string[] = [];
  for (let i = 0; i < MAX_WRAPPERS; i++) {
    const next = unwrapOnce(current);
    if (!next) break;
    current = next.tensors;
    notes.push(...next.notes);
  }
  return { tensors: current, notes };
}
