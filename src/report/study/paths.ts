/**
 * @file Paths of the machine that ran the study say nothing to whoever reads its report, and more than they should of
 * whoever ran it: names stay, the folders before them go.
 */

/** "/home/me/data/pbc" → "pbc"; "hf:owner/name" stays. */
export const lastName = (path: string): string =>
  path.startsWith("hf:")
    ? path
    : (path
        .replace(/[\\/]+$/, "")
        .split(/[\\/]/)
        .at(-1) ?? path);

/** Folders that nothing with a space in its name precedes; a web address is none. */
const POSIX = /(?<![\w:/.-])~?\/(?:[^\s/"'`,;:()<>]+\/)+(?=[^\s/])/g;
const WINDOWS = /(?<!\w)[A-Za-z]:\\(?:[^\\"'`,;:()<>]+\\)+/g;

/**
 * A sentence without the folders in it.
 *
 * @param known paths that are known to occur, which may have spaces in them
 */
export function withoutFolders(text: string, known: readonly string[] = []): string {
  const own = [...known].filter((path) => lastName(path) !== path).sort((a, b) => b.length - a.length);
  const shortened = own.reduce((now, path) => now.replaceAll(path, lastName(path)), text);
  return shortened.replace(POSIX, "").replace(WINDOWS, "");
}
