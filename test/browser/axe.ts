/**
 * @file What axe-core finds in a page against WCAG 2.1, levels A and AA, and good practice. It is evaluated through the
 * browser's debugging protocol, which a page's Content-Security-Policy does not hold for: pages stay as strict as they are.
 */
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

export interface Audit {
  /** "rule at selector: what to do", for each element. */
  readonly violations: readonly string[];
  /** Rules that could not be decided somewhere. */
  readonly undecided: readonly string[];
  /** Rules that were held to somewhere. */
  readonly passed: readonly string[];
}

export async function audit(page: Page): Promise<Audit> {
  await page.evaluate(axe.source);
  const found = await page.evaluate((values): Promise<AxeResults> => {
    const { axe: inPage } = window as unknown as { readonly axe: typeof axe };
    return inPage.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
  }, RULES);
  return {
    violations: found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary = "" }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
    ),
    undecided: found.incomplete.map(({ id }) => id),
    passed: found.passes.map(({ id }) => id),
  };
}
