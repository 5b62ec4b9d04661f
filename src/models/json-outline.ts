/**
 * @file Looks over the JSON header of a stranger's file before it is parsed. `JSON.parse` keeps the last of two equal
 * keys in silence, and a hundred megabytes of brackets would fill the memory with empty lists.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

export interface JsonOutline {
  /** Levels of lists and objects. */
  readonly depth: number;
  /** Keys of the outermost object, equal ones counted each. */
  readonly keys: number;
  /** An upper bound of the values in it. */
  readonly values: number;
}

/** @param bytes UTF-8; of text that is no JSON the outline means nothing, but it is made in one pass all the same */
export function outlineJson(bytes: Uint8Array): JsonOutline {
  let level = 0;
  let depth = 0;
  let keys = 0;
  let values = 1;
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i] ?? 0;
    if (quoted) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) quoted = false;
    } else if (c === QUOTE) quoted = true;
    else if (OPENING.has(c)) {
      level++;
      values++;
      if (level > depth) depth = level;
    } else if (CLOSING.has(c)) level--;
    else if (c === COMMA) values++;
    else if (c === COLON && level === 1) keys++;
  }
  return { depth, keys, values };
}
