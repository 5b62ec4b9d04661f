/** @file What the look of a study's report adds to that of the other pages. */
export const STUDY_STYLE = `
:root { --heat: .72; --good: #1a7f4b; --fair: #9a6a00; --plain: #5c6670; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --fair: #e5b454; --plain: #98a2ad; } }
html { scroll-behavior: smooth; scroll-padding-top: 3.4rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { max-width: 1240px; padding-top: 0; }
a { color: inherit; text-underline-offset: .15em; text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
:focus-visible { outline: 2px solid var(--line-0); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; } .skip:focus { position: fixed; left: 1rem; top: .6rem; z-index: 3; background: var(--card); padding: .3rem .7rem; }
.to { position: sticky; top: 0; z-index: 2; margin: 0 -1.25rem; padding: .62rem 1.25rem; background: color-mix(in srgb, var(--bg) 92%, transparent); backdrop-filter: blur(8px); border-bottom: 1px solid var(--line); overflow-x: auto; white-space: nowrap; font-size: .86rem; scrollbar-width: none; }
.to ul { display: flex; gap: 1.25rem; margin: 0; padding: 0; list-style: none; } .to a { text-decoration: none; color: var(--soft); } .to a:hover { color: var(--ink); }
.hero { padding: 2.4rem 0 1.1rem; max-width: 62rem; }
.hero .asked { color: var(--soft); margin: 0 0 .5rem; }
.hero h1 { font-size: .95rem; font-weight: 600; letter-spacing: 0; color: var(--soft); margin: 0 0 1.3rem; }
.hero .found { font-size: clamp(1.45rem, 1.05rem + 1.9vw, 2.3rem); line-height: 1.18; letter-spacing: -.022em; font-weight: 680; margin: 0 0 .9rem; text-wrap: balance; }
.badge { display: inline-block; font-size: .8rem; font-weight: 600; padding: .12rem .6rem; border-radius: 99px; border: 1px solid currentColor; white-space: nowrap; }
.badge.clear { color: var(--good); } .badge.partial { color: var(--fair); } .badge.open { color: var(--plain); }
.hero .facts { margin: .9rem 0 0; }
.sets { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 1rem; margin: 0 0 1rem; } .sets.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.15rem; min-width: 0; margin: 0 0 1rem; }
.sets .card { margin: 0; } .card > :last-child { margin-bottom: 0; } .card > p:first-child { margin-top: 0; }
.card h3 { margin: 0 0 .45rem; font-size: 1rem; display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center; }
.mind { border-left: 4px solid var(--fair); } .mind ul, .more { margin: .3rem 0 0; padding-left: 1.15rem; } .mind li, .more li { margin: .25rem 0; }
main > section { margin: 2.6rem 0 0; } main > section:first-child { margin-top: 1rem; } main > section > h2 { font-size: 1.32rem; letter-spacing: -.015em; margin: 0 0 .3rem; } .lead { color: var(--soft); max-width: 74ch; margin: 0 0 .9rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 .5rem; }
.scroll { overflow-x: auto; } .scroll table { min-width: max-content; }
tbody tr:not(.control) > * { font-weight: 400; } td b, th b { font-weight: 700; }
table.main td, table.main tbody th { vertical-align: top; border-bottom: 0; padding-left: .85rem; } table.main tbody tr:not(.first) > * { padding-top: 0; } table.main th.method { padding-left: .9rem; } .of { display: none; } table.main tbody th[rowspan] { padding-left: 0; } table.main td small { font-size: .74rem; } table.main thead th { white-space: normal; max-width: 7.5rem; overflow-wrap: anywhere; } table.main sup { line-height: 0; } table.main td small { display: block; margin: 0; } table.main td a { text-decoration: none; } table.main td a:hover { text-decoration: underline; } table.main thead th { text-align: right; } table.main thead th:first-child, table.main th.method, th.text, td.text { text-align: left; }
td.text { white-space: normal; min-width: 12rem; } table.main tr.first > * { border-top: 1px solid var(--line); } table.main .set { text-align: center; border-bottom: 1px solid var(--line); } table.main .start { padding-left: 1.6rem; }
tr:target > * { background: var(--bar); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 1rem 1.3rem; } .charts.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); }
.charts + h3 { margin-top: 1.8rem; } .charts figure svg { max-width: 560px; } .over { overflow-x: auto; } .over svg { min-width: 520px; max-width: 760px; width: 100%; height: auto; display: block; }
.charts figcaption b { display: inline-block; } figure figcaption .name { margin: 0; }
.keys { display: flex; flex-wrap: wrap; gap: .25rem 1.2rem; margin: 0 0 .8rem; font-size: .87rem; color: var(--soft); list-style: none; padding: 0; }
.keys .scale { margin-left: 0; } .stroke { display: inline-block; width: 2px; height: 1em; background: currentColor; opacity: .5; margin-right: .5em; vertical-align: -.12em; } .dash { display: inline-block; width: 1.3em; border-top: 2px dashed currentColor; opacity: .5; margin-right: .42em; vertical-align: .25em; }
.veil { position: sticky; top: 2.6rem; z-index: 1; display: inline-flex; gap: .8rem; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: 99px; padding: .35rem 1rem; margin: 0 0 .9rem; font-size: .87rem; box-shadow: 0 2px 10px #0002; } .veil[hidden] { display: none; } .veil input { width: min(46vw, 15rem); accent-color: var(--line-0); }
.shown > header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; margin-bottom: .7rem; } .shown > header h3 { margin: 0; overflow-wrap: anywhere; } .shown > header p { margin: 0; color: var(--soft); font-size: .88rem; }
.beside { display: grid; grid-template-columns: minmax(100px, 132px) minmax(0, 1fr); gap: 1rem 1.4rem; } .models { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 228px), 1fr)); gap: 1rem 1.3rem; } .models > section { min-width: 0; } .models .maps { max-width: 30rem; } .beside h4 { margin: 0 0 .35rem; font-size: .9rem; display: flex; flex-wrap: wrap; gap: 0 .55rem; } .beside h4 span, .case h4 span { font-weight: 400; color: var(--soft); }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: .55rem; } .maps figcaption { font-size: .78rem; line-height: 1.35; margin-top: .25rem; } .maps figcaption span { display: block; margin: 0; white-space: normal; }
.lay { position: relative; aspect-ratio: 1; border-radius: 8px; overflow: hidden; background: #8883; } .lay img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 0; object-fit: fill; } .lay img:first-child:not(:only-child):not(.heat) { filter: grayscale(var(--heat)); } .lay .heat { opacity: var(--heat); }
.beside h4 .right { color: var(--good); } .wrong, .beside h4 .wrong, .shown > header .wrong { color: var(--wrong); }
.case { display: grid; grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); gap: 1rem 1.5rem; padding: .9rem 0; border-top: 1px solid var(--line); } .case:first-of-type { border-top: 0; padding-top: 0; } .case h4 { margin: 0 0 .4rem; font-size: .93rem; grid-column: 1 / -1; } .case .maps { grid-template-columns: repeat(auto-fit, minmax(112px, 190px)); } .case .curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: .8rem; }
.case h5 { margin: .7rem 0 .3rem; font-size: .85rem; font-weight: 600; } .case .maps.three { grid-template-columns: repeat(3, minmax(0, 160px)); } .case .bars { max-width: 22rem; margin: 0 0 .6rem; font-size: .88rem; }
.marks td { text-align: center; } .yes { color: var(--good); } .no { color: var(--wrong); } .even { color: var(--soft); }
.matrix td { text-align: center; padding: .34rem .6rem; min-width: 2.6rem; } .matrix td.hit { background: color-mix(in srgb, var(--line-2) calc(var(--p) * 60%), transparent); } .matrix td.miss { background: color-mix(in srgb, var(--wrong) calc(var(--p) * 60%), transparent); }
.matrices { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
details { margin: .7rem 0; } summary { cursor: pointer; font-weight: 600; } details[open] > summary { margin-bottom: .6rem; }
code, .hash { font: .86em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; } pre { overflow-x: auto; background: var(--bg); border-radius: 8px; padding: .7rem .9rem; margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; } .hash { overflow-wrap: anywhere; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0; color: var(--ink); } dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 640px) { .hero { padding-top: 1.5rem; } main > section { margin-top: 2rem; } .case { grid-template-columns: 1fr; } .card { padding: .85rem .9rem; } dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: .45rem; } table.main .model { display: none; } table.main .of { display: block; } table.main th.method { position: sticky; left: 0; background: var(--card); padding: .34rem .5rem .34rem 0; } table.main tbody tr:not(.first) > * { padding-top: .34rem; } table.main .start { padding-left: .85rem; } .beside { grid-template-columns: minmax(0, 1fr); } .beside .plain .lay { max-width: 180px; } .models { grid-template-columns: minmax(0, 1fr); } }
@media print { .to, .veil, .skip { display: none; } .hero { padding-top: 0; } .card, .case, figure, tr { break-inside: avoid; } .card { border-color: #ccc; } .shown { break-inside: auto; } .scroll, .over { overflow: visible; } main > section > h2, h3, h4 { break-after: avoid; } img, .lay, .matrix td, .bars li { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
