/** @file Numbers and lists as sentences have them. */

/** Three decimals, a proper minus. */
export const decimal = (value: number): string => value.toFixed(3).replace("-", "−");

/** "97.5 %" */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** "1 image", "3 images" */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** "a", "a and b", "a, b and c" */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** At most `most` of them by name: "a, b and 3 more" */
export const listedUpTo = (items: readonly string[], most: number): string =>
  items.length <= most ? listed(items) : listed([...items.slice(0, most), `${items.length - most} more`]);
