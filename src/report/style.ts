/** @file The look of pages: readable on a phone, in print, in light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #fff; --ink: #1b1f24; --soft: #5b6570; --line: #e3e7eb; --card: #f7f8fa; --wrong: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --bg: #12151a; --ink: #e8eaed; --soft: #9aa4af; --line: #2a3038; --card: #1a1f26; --wrong: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 2rem 1.25rem 3rem; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.facts, .said, figcaption, footer, caption { color: var(--soft); }
.facts { margin: 0 0 1.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; font-size: .87rem; }
th, td { padding: .3rem 1rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400; }
th[scope=row], th:first-child { text-align: left; }
thead th { color: var(--soft); font-size: .87rem; }
tbody tr:not(.control) { font-weight: 600; } tbody tr:not(.control) th { font-weight: 600; }
tr.control { color: var(--soft); }
section { overflow-x: auto; }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center; margin: 1.1rem 0 .8rem; font-size: .87rem; }
.key { display: inline-flex; align-items: center; gap: .4rem; } .key i { width: 1.1rem; height: 3px; border-radius: 2px; }
.key i.grey { background: currentColor; opacity: .3; } .scale { margin-left: auto; } .scale i { display: inline-block; width: 8rem; height: .7rem; border-radius: 3px; vertical-align: -1px; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem 1rem; margin: 0 0 1rem; break-inside: avoid; }
.said { margin: .1rem 0 .7rem; font-size: .9rem; } .said b { color: var(--ink); } .said b.wrong { color: var(--wrong); }
.row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start; }
figure { margin: 0; width: 224px; } figure img { display: block; width: 100%; border-radius: 6px; }
figure.curve { width: 250px; } figure svg { display: block; max-width: 100%; height: auto; }
figcaption { font-size: .8rem; margin-top: .25rem; }
footer { font-size: .85rem; margin-top: 1.5rem; max-width: 70ch; }
@media (max-width: 560px) { .row figure { width: calc(50% - .4rem); } .row figure.curve { width: 100%; } }
@media print { body { max-width: none; padding: 0; } article { border-color: #ccc; } }
`;
