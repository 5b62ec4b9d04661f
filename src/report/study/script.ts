/**
 * @file The only thing on the page that moves: a slider that fades all heat maps. Without it they are shown at a fixed
 * strength, and the slider is not there.
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
`;

/** Of the script, for the page's policy: no other runs. Held by a test. */
export const SCRIPT_HASH = "sha256-sNQ1lTxAOnQYj+5U7zgTK5rMboyqi47UFYw8M/0mCAk=";
