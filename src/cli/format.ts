/** @file Numbers and tables as people read them. */

/** Seconds as "9 s", "2 min 05 s", "1 h 12 min". */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/**
 * Control characters, and those that turn the direction of writing, as escapes. Names of classes and files are whatever
 * somebody wrote into a model or a folder, and a terminal obeys what it is sent.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (c) =>
    c === "\n" ? "\\n" : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Columns padded to their widest cell; numbers to the right. The first row is the heading. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(printable));
  const columns = Math.max(0, ...rows.map((r) => r.length));
  const widths = Array.from({ length: columns }, (_, c) =>
    Math.max(0, ...rows.map((r) => (r[c] ?? "").length)),
  );
  const numeric = Array.from({ length: columns }, (_, c) =>
    rows.slice(1).every((r) => /^[-+]?[\d.,%]*( \[.*\])?$|^–$/.test(r[c] ?? "")),
  );
  return rows
    .map((r) =>
      widths
        .map((w, c) => (numeric[c] ? (r[c] ?? "").padStart(w) : (r[c] ?? "").padEnd(w)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** "93.1%". */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)}%`;
}

/** Bytes as "12 kB", "3.4 MB", "1.2 GB". */
export function formatBytes(bytes: number): string {
  const units = ["kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor((Math.log10(Math.max(1, bytes)) - 3) / 3)));
  const value = bytes / 1000 ** (step + 1);
  return `${step === 0 ? Math.ceil(value) : value.toFixed(value < 10 ? 1 : 0)} ${units[step]}`;
}

/** "1 image", "12 images". */
export const plural = (count: number, one: string, more = `${one}s`): string =>
  `${count} ${count === 1 ? one : more}`;

/** Paths without the folders that all of them lie in: what tells them apart is what a person reads. */
export function shortNames(paths: readonly string[]): readonly string[] {
  const split = paths.map((path) => path.split(/[\\/]/));
  const [first = []] = split;
  let shared = first.length - 1;
  for (const parts of split) {
    let same = 0;
    while (same < Math.min(shared, parts.length - 1) && parts[same] === first[same]) same++;
    shared = same;
  }
  return split.map((parts) => parts.slice(shared).join("/"));
}
