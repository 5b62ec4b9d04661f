/**
 * @file What moves on the page: a slider that fades all heat maps, and folded parts that open when something in them is
 * linked to. Without it maps are shown at a fixed strength, the slider is not there, and browsers open folded parts
 * themselves, or their readers do.
 */
export const SCRIPT = `
const sliders = document.querySelectorAll("[data-heat]");
for (const slider of sliders) {
  slider.closest("[hidden]")?.removeAttribute("hidden");
  slider.addEventListener("input", () => {
    document.documentElement.style.setProperty("--heat", slider.value / 100);
    for (const other of sliders) other.value = slider.value;
  });
}
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  const folded = target?.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
`;

/** Of the script, for the page's policy: no other runs. Held by a test. */
export const SCRIPT_HASH = "sha256-SzSKDEOj5nbVh+zbCIiDFtObKnWrPXA0JPilzDQ7tX8=";
