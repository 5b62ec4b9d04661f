/**
 * @file `--method grad-cam gradient-rollout`: several names behind one option. Only words that begin with a known name
 * belong to the list, so that a model or an image that follows is never taken for one of them (a folder that has the
 * name of a method is written `./rollout`).
 */

/** Options that take lists, with the names that may follow. */
export type ListOptions = Readonly<Record<string, readonly string[]>>;

/** The arguments with every list written as the repeated option. What is behind "--" is left as it is. */
export function spreadLists(args: readonly string[], lists: ListOptions): readonly string[] {
  const out: string[] = [];
  let option: string | undefined;
  let first = false;
  for (const [i, arg] of args.entries()) {
    if (arg === "--") return [...out, ...args.slice(i)];
    if (Object.hasOwn(lists, arg)) {
      option = arg;
      first = true;
    } else if (option !== undefined && (first || isNamed(arg, lists[option] ?? []))) {
      out.push(...words(arg).flatMap((word) => [option ?? "", word]));
      first = false;
    } else {
      const [name, value] = splitEquals(arg);
      option = value !== undefined && Object.hasOwn(lists, name) ? name : undefined;
      if (option === undefined) out.push(arg);
      else out.push(...words(value ?? "").flatMap((word) => [name, word]));
    }
  }
  // The option's value is missing: the parser says so.
  return first && option !== undefined ? [...out, option] : out;
}

const isNamed = (word: string, names: readonly string[]): boolean =>
  names.includes(word.split(":", 1)[0] ?? "");

/** A quoted list is a list too; an empty value stays one, for the parser to refuse. */
const words = (text: string): readonly string[] => (text.trim() === "" ? [text] : text.trim().split(/\s+/));

function splitEquals(arg: string): readonly [string, string | undefined] {
  const at = arg.indexOf("=");
  return arg.startsWith("--") && at > 0 ? [arg.slice(0, at), arg.slice(at + 1)] : [arg, undefined];
}
