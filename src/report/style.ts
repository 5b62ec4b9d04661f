/** @file The look of pages: readable on a phone, in print, in light and dark. */
import { PALETTE_CSS } from "./svg.js";

export const STYLE = `
:root { color-scheme: light dark; --bg: #f4f5f7; --card: #fff; --ink: #16191d; --soft: #5c6670; --line: #e2e6ea; --bar: #dbe7f3; --wrong: #b3261e; ${PALETTE_CSS.light} }
@media (prefers-color-scheme: dark) { :root { --bg: #0f1216; --card: #181c22; --ink: #e9ecef; --soft: #98a2ad; --line: #2b3139; --bar: #22374b; --wrong: #ff8a80; ${PALETTE_CSS.dark} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1360px; padding: 2.2rem 1.25rem 3rem; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.15; margin: 0 0 .35rem; letter-spacing: -.02em; }
h2 { font-size: 1rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
.facts, .said, figcaption, footer, caption, small { color: var(--soft); }
.facts { margin: 0 0 1.3rem; }
.summary, article { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem; }
.summary { display: flex; flex-wrap: wrap; gap: 1rem 1.6rem; align-items: flex-start; }
.scroll { overflow-x: auto; max-width: 100%; flex: 0 1 auto; }
.mean { flex: 1 1 210px; max-width: 320px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; font-size: .85rem; }
th, td { padding: .34rem 0 .34rem 1.2rem; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-size: .87rem; vertical-align: bottom; } thead small { display: block; }
td small { font-size: .78rem; margin-left: .3rem; }
tbody tr:not(.control) > * { font-weight: 650; } tbody tr:not(.control) small { font-weight: 400; }
tr.control { color: var(--soft); }
.legend { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; align-items: center; margin: .6rem -1.25rem; padding: .55rem 1.25rem; background: var(--bg); font-size: .87rem; }
.dot { display: inline-block; width: .72em; height: .72em; border-radius: 50%; margin-right: .42em; vertical-align: -.02em; }
.dot.grey { background: currentColor; opacity: .35; }
.scale { margin-left: auto; } .scale i { display: inline-block; width: 8rem; height: .7rem; border-radius: 3px; vertical-align: -1px; margin: 0 .35em; }
article { margin: 0 0 1rem; break-inside: avoid; }
.said { margin: -.45rem 0 .65rem; font-size: .9rem; } .said b { color: var(--ink); } .said b.wrong { color: var(--wrong); }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: .9rem; align-items: start; }
figure { margin: 0; min-width: 0; } figure img { display: block; width: 100%; height: auto; border-radius: 8px; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .83rem; margin-top: .4rem; } figcaption b { color: var(--ink); font-weight: 600; } figcaption span { margin-left: .6em; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bars { list-style: none; margin: 0; padding: 0; display: grid; gap: 3px; }
.bars li { display: flex; justify-content: space-between; gap: .6em; padding: .06rem .45rem; border-radius: 4px; background: linear-gradient(var(--bar), var(--bar)) 0 / var(--p) 100% no-repeat; }
.bars span { margin: 0; overflow: hidden; text-overflow: ellipsis; color: var(--ink); } .bars b { font-weight: 400; font-variant-numeric: tabular-nums; color: var(--soft); }
footer { font-size: .87rem; margin-top: 1.5rem; max-width: 75ch; }
@media (max-width: 640px) { body { padding-top: 1.3rem; } h1 { font-size: 1.4rem; } .row { grid-template-columns: 1fr 1fr; } .row .curve, .row figure:first-child:nth-last-child(odd) { grid-column: 1 / -1; } .mean { flex-basis: 100%; max-width: none; } .scale { margin-left: 0; } .legend { position: static; } }
@media print { body { max-width: none; padding: 0; background: none; } .legend { position: static; } article, .summary { border-color: #ccc; } }
`;
