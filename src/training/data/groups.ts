/**
 * @file Groups from two sources as one: what a data set says belongs together, and files with the same bytes. Where a
 * file of one group is the twin of a file of another, the two groups are one.
 */

/**
 * @param identical Group of byte-identical files, by name.
 * @returns Group by name, named by a group of the data set where it has one; without items that stand alone.
 */
export function joinGroups(
  items: readonly { readonly name: string; readonly group?: string }[],
  identical: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const parent = new Map<string, string>();
  const root = (key: string): string => {
    let at = key;
    for (let up = parent.get(at); up !== undefined; up = parent.get(at)) at = up;
    return at;
  };
  const given = (group: string): string => `given ${group}`;
  const same = (group: string): string => `same ${group}`;
  const label = new Map<string, string>();
  for (const { name, group } of items) {
    const twin = identical.get(name);
    if (group !== undefined) label.set(given(group), group);
    if (twin !== undefined) label.set(same(twin), twin);
    if (group === undefined || twin === undefined) continue;
    const [a, b] = [root(given(group)), root(same(twin))];
    // The data set's own name stays at the root.
    if (a !== b) parent.set(b, a);
  }
  const joined = new Map<string, string>();
  for (const { name, group } of items) {
    const twin = identical.get(name);
    const key = group !== undefined ? given(group) : twin !== undefined ? same(twin) : undefined;
    const named = key === undefined ? undefined : label.get(root(key));
    if (named !== undefined) joined.set(name, named);
  }
  return joined;
}
