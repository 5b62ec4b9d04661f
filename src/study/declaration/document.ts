/**
 * @file A YAML file that remembers where everything stands, so that a complaint about a value can name its file, line,
 * column and key however far from the file it is found.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import { VitreousError } from "../../onnx/errors.js";

export type KeyPath = readonly (string | number)[];

export interface Place {
  /** "study.yaml:12:5" */
  readonly at: string;
  /** "datasets.pbc.images", as it is written in the file; "" for the file itself. */
  readonly key: string;
  /** Steps of the path that the file has. */
  readonly depth: number;
}

export interface StudyDocument {
  readonly name: string;
  readonly value: unknown;
  /** The place of a value. Steps that the file lacks are passed over: a short form stands where the long one would. */
  place(path: KeyPath): Place;
  /** The place of a key itself. */
  keyPlace(path: KeyPath, key: string): Place;
}

/** A complaint as people read it: where, which key, and what is wrong with it. */
export const complaint = ({ at, key }: Place, message: string): string =>
  `${at}: ${key === "" ? "" : `${key} `}${message}`;

interface Step {
  readonly key: unknown;
  readonly value: unknown;
}

function stepInto(node: unknown, step: string | number): Step | undefined {
  if (isMap(node)) {
    return node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  }
  return isSeq(node) && typeof step === "number" && step < node.items.length
    ? { key: undefined, value: node.items[step] }
    : undefined;
}

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);

/** Aliases that multiply beyond reason are refused by the parser. */
function plain(document: ReturnType<typeof parseDocument>, name: string): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    throw new VitreousError(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/**
 * Reads YAML 1.2 (and JSON, which is part of it). Anchors and merge keys ("<<") are resolved.
 *
 * @param name How messages call the file.
 * @throws VitreousError, a line for each mistake: no YAML, a key given twice, several documents, no keys at all.
 */
export function readDocument(text: string, name: string): StudyDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${name}:${line}:${col}`;
  };
  const mistakes = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const sentence = code === "MULTIPLE_DOCS" ? "a second document begins; a study is one" : message;
    return `${at(pos[0])}: ${sentence}`;
  });
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        mistakes.push(`${at(offsetOf(alias))}: there is no anchor &${alias.source} before *${alias.source}`);
    },
  });
  if (mistakes.length > 0) throw new VitreousError(mistakes.join("\n"));
  if (!isMap(document.contents)) {
    throw new VitreousError(`${at(0)}: a study is a list of keys: datasets, models, methods, metrics, …`);
  }
  const descend = (path: KeyPath) => {
    let node: unknown = document.contents;
    let key: unknown;
    const steps: string[] = [];
    for (const step of path) {
      const next = stepInto(isAlias(node) ? node.resolve(document) : node, step);
      if (next === undefined) continue;
      node = next.value;
      key = next.key;
      steps.push(String(step));
    }
    return {
      node: isAlias(node) ? (node.resolve(document) as Node | undefined) : node,
      own: node,
      key,
      steps,
    };
  };
  return {
    name,
    value: plain(document, name),
    place(path) {
      const { own, key, steps } = descend(path);
      return { at: at(offsetOf(own) ?? offsetOf(key)), key: steps.join("."), depth: steps.length };
    },
    keyPlace(path, key) {
      const { node, own, steps } = descend(path);
      const offset = offsetOf(stepInto(node, key)?.key) ?? offsetOf(own);
      return { at: at(offset), key: [...steps, key].join("."), depth: steps.length + 1 };
    },
  };
}
