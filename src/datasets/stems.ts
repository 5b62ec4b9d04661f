/**
 * @file Names for output files, no two alike even where the file system ignores case.
 */

/** As a part of a file name on any system: separators become "_", what Windows refuses becomes "-". */
function safe(name: string): string {
  const replaced = name.replaceAll(/[/\\]+/g, "_").replaceAll(/[<>:"|?*\p{Cc}]/gu, "-");
  return replaced.replace(/[. ]+$/, "") || "image";
}

/**
 * A name for each: the first of its candidates (shortest to longest) that no other shares; those that still
 * collide are numbered.
 */
export function uniqueStems(candidates: readonly (readonly string[])[]): string[] {
  const level = candidates.map(() => 0);
  const at = (i: number): string => safe(candidates[i]?.[level[i] ?? 0] ?? "");
  for (;;) {
    const users = new Map<string, number[]>();
    candidates.forEach((_, i) => {
      const key = at(i).toLowerCase();
      users.set(key, [...(users.get(key) ?? []), i]);
    });
    const crowded = [...users.values()]
      .filter((list) => list.length > 1)
      .flat()
      .filter((i) => (level[i] ?? 0) + 1 < (candidates[i]?.length ?? 0));
    if (crowded.length === 0) break;
    for (const i of crowded) level[i] = (level[i] ?? 0) + 1;
  }
  const used = new Set<string>();
  const taken = new Set(candidates.map((_, i) => at(i).toLowerCase()));
  return candidates.map((_, i) => {
    let name = at(i);
    for (let n = 2; used.has(name.toLowerCase()); n++) {
      const next = `${at(i)}-${n}`;
      if (!taken.has(next.toLowerCase())) name = next;
    }
    used.add(name.toLowerCase());
    return name;
  });
}
