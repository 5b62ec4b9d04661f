/** @file What the look of a study's report adds to that of the other pages. */
export const STUDY_STYLE = `
:root { --heat: .72; --good: #1a7f4b; --fair: #8f6200; --plain: #5c6670; --gap: 1.1rem; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --fair: #e5b454; --plain: #98a2ad; } }
html { scroll-behavior: smooth; scroll-padding-top: 3.4rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { padding-top: 0; }
a { color: inherit; text-underline-offset: .15em; text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
:focus-visible { outline: 2px solid var(--line-0); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: fixed; left: 1rem; top: .6rem; z-index: 3; background: var(--card); padding: .3rem .7rem; }
.to { position: sticky; top: 0; z-index: 2; margin: 0 -1.25rem; padding: .62rem 1.25rem; background: color-mix(in srgb, var(--bg) 92%, transparent); backdrop-filter: blur(8px); border-bottom: 1px solid var(--line); overflow-x: auto; white-space: nowrap; font-size: .86rem; scrollbar-width: none; }
.to ul { display: flex; gap: 1.25rem; margin: 0; padding: 0; list-style: none; }
.to a { text-decoration: none; color: var(--soft); } .to a:hover { color: var(--ink); }

.hero { padding: 2.4rem 0 .4rem; }
.hero h1 { font-size: .95rem; font-weight: 600; letter-spacing: 0; color: var(--soft); margin: 0 0 1.1rem; }
.hero .asked { color: var(--soft); margin: 0 0 .5rem; }
.hero .found { font-size: clamp(1.45rem, 1.05rem + 1.9vw, 2.3rem); line-height: 1.18; letter-spacing: -.022em; font-weight: 680; margin: 0 0 .9rem; max-width: 26em; text-wrap: balance; }
.hero .facts { margin: .9rem 0 0; }
.badge { display: inline-block; font-size: .8rem; font-weight: 600; padding: .12rem .6rem; border-radius: 99px; border: 1px solid currentColor; white-space: nowrap; }
.badge.clear { color: var(--good); } .badge.partial { color: var(--fair); } .badge.open { color: var(--plain); }

main > section { margin: 3rem 0 0; } main > section:first-child { margin-top: 1.6rem; }
main > section > h2 { font-size: 1.32rem; letter-spacing: -.015em; margin: 0 0 .3rem; }
.lead { color: var(--soft); max-width: 84ch; margin: 0 0 .9rem; text-wrap: pretty; }
h3 { font-size: 1rem; margin: 1.1rem 0 .5rem; } h4 { font-size: .93rem; margin: 0 0 .4rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.15rem; min-width: 0; margin: 0 0 var(--gap); }
.card > :last-child { margin-bottom: 0; } .card > p:first-child { margin-top: 0; }
.card > h3 { margin: 0 0 .45rem; display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center; }
.sets { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: var(--gap); margin: 0 0 var(--gap); }
.sets.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); } .sets .card { margin: 0; }
.sets.level .card { display: grid; grid-template-rows: subgrid; grid-row: span 3; gap: 0; } .sets.level { row-gap: 0; } .sets.level .card { margin-bottom: var(--gap); } .sets.level p { margin: 0 0 .9rem; }
.mind { border-left: 4px solid var(--fair); }
.more { margin: .3rem 0 0; padding-left: 1.15rem; columns: 2 30rem; column-gap: 2.6rem; } .more li { margin: 0 0 .35rem; text-wrap: pretty; break-inside: avoid; }
.note { color: var(--soft); font-size: .87rem; margin: .9rem 0 0; }
details { margin: .7rem 0; } summary { cursor: pointer; font-weight: 600; } details[open] > summary { margin-bottom: .6rem; }

.keys { display: flex; flex-wrap: wrap; gap: .25rem 1.2rem; margin: 0 0 .8rem; font-size: .87rem; color: var(--soft); list-style: none; padding: 0; }
.dot.shape-1 { border-radius: 0; width: .66em; height: .66em; } .dot.shape-2 { border-radius: 0; width: .62em; height: .62em; transform: rotate(45deg); }
.dot.shape-3 { border-radius: 0; clip-path: polygon(50% 4%, 100% 96%, 0 96%); }
.dot.shape-4 { border-radius: 0; width: .9em; height: .9em; clip-path: polygon(50% 0, 62% 36%, 100% 36%, 69% 58%, 81% 95%, 50% 73%, 19% 95%, 31% 58%, 0 36%, 38% 36%); }
.dot.shape-5 { border-radius: 0; clip-path: polygon(33% 0, 67% 0, 67% 33%, 100% 33%, 100% 67%, 67% 67%, 67% 100%, 33% 100%, 33% 67%, 0 67%, 0 33%, 33% 33%); }
.stroke { display: inline-block; width: 2px; height: 1em; background: currentColor; opacity: .6; margin-right: .5em; vertical-align: -.12em; }
.dash { display: inline-block; width: 1.5em; border-top: 2px dashed currentColor; opacity: .7; margin-right: .45em; vertical-align: .25em; } .dash.whole { border-top-style: solid; }
.keys .scale { margin-left: 0; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 268px), 1fr)); gap: 1rem 1.2rem; }
.charts figure { max-width: 430px; } .charts svg, .curves svg { font-size: 11px; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, calc(var(--n) * 268px + (var(--n) - 1) * 1.2rem)), 1fr)); gap: 1.3rem 1.8rem; }
.panels h4 { color: var(--soft); border-bottom: 1px solid var(--line); padding-bottom: .25rem; margin-bottom: .55rem; }
.panels figcaption { margin: 0 0 .1rem; display: flex; flex-wrap: wrap; gap: 0 .2rem; }
.over { overflow-x: auto; } .over svg { width: auto; max-width: none; height: auto; margin: 0 auto; }
.sets.ranks { grid-template-columns: repeat(auto-fit, minmax(min(100%, var(--wide)), 1fr)); }
.over + figcaption { margin-top: .7rem; }

.scroll { overflow-x: auto; position: relative; } .scroll table { min-width: max-content; }
tbody tr:not(.control) > * { font-weight: 400; } td b, th b { font-weight: 700; }
th.text, td.text { text-align: left; } td.text { white-space: normal; min-width: 8rem; }
tr:target > * { background: var(--bar); }
table.main { width: 100%; }
table.main td, table.main tbody th { vertical-align: top; border-bottom: 0; padding: .4rem 0 .4rem .8rem; }
table.main tbody tr:not(.first) > * { padding-top: .1rem; }
table.main tr.first > * { border-top: 1px solid var(--line); }
table.main thead tr:first-child > * { border-bottom: 0; padding-bottom: .2rem; }
table.main thead th { text-align: right; white-space: normal; max-width: 8.5rem; overflow-wrap: anywhere; padding-left: .8rem; }
table.main .set { text-align: center; color: var(--ink); font-size: .95rem; font-weight: 600; max-width: none; }
table.main .set span { display: block; border-bottom: 1px solid var(--line); padding-bottom: .25rem; margin-left: .6rem; }
table.main thead th:first-child, table.main th.method, table.main th.model { text-align: left; padding-left: 0; }
table.main th.method { padding-left: .9rem; }
table.main .start { padding-left: 1.9rem; }
table.main td a { text-decoration: none; } table.main td a:hover { text-decoration: underline; }
table.main td small { display: block; margin: 0; font-size: .76rem; }
table.main sup { position: absolute; line-height: 1; margin-left: .06em; }
.of { display: none; }
table.dense { font-size: .85rem; } table.dense th, table.dense td { padding-top: .16rem; padding-bottom: .16rem; } table.dense td.text { white-space: nowrap; min-width: 0; }
table.marks { width: 100%; font-size: .92rem; } .marks td { text-align: right; padding-left: .8rem; }
.yes { color: var(--good); } .no { color: var(--wrong); } .even { color: var(--soft); }
.matrices { display: flex; flex-wrap: wrap; gap: 1.2rem 2.4rem; } .matrices .scroll { flex: none; }
.matrix caption { color: var(--ink); font-weight: 600; }
.matrix th { padding: .2rem .6rem .2rem 0; font-size: .85rem; } .matrix thead th { padding: .2rem 0; text-align: center; }
.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem; overflow: hidden; text-overflow: ellipsis; }
.matrix td { text-align: center; padding: .2rem .3rem; min-width: 2.1rem; border: 1px solid var(--line); font-size: .88rem; } .matrix thead td { border: 0; }
.matrix td.hit { background: color-mix(in srgb, var(--line-2) calc(var(--p) * 55%), transparent); } .matrix td.miss { background: color-mix(in srgb, var(--wrong) calc(var(--p) * 55%), transparent); }

.veils { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; align-items: center; margin: 0 0 .9rem; position: sticky; top: 2.5rem; z-index: 1; padding: .35rem 0; background: color-mix(in srgb, var(--bg) 92%, transparent); } .veils .keys { margin: 0; }
.veil { display: inline-flex; gap: .8rem; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: 99px; padding: .3rem 1rem; margin: 0; font-size: .87rem; }
.veil[hidden] { display: none; } .veil input { width: min(40vw, 15rem); accent-color: var(--line-0); }
.shown > header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; margin-bottom: .7rem; }
.shown > header h3 { margin: 0; overflow-wrap: anywhere; } .shown > header p { margin: 0; color: var(--soft); font-size: .88rem; } .shown > header .last { margin-left: auto; }
.beside { display: grid; grid-template-columns: minmax(110px, 150px) minmax(0, 1fr); gap: 1rem 1.4rem; }
.models { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 1rem 1.3rem; } .models > section { min-width: 0; } .models .maps { display: flex; flex-wrap: wrap; } .models figure { flex: 1 1 112px; max-width: 180px; }
.beside h4 { font-size: .9rem; line-height: 1.35; } .beside h4 span, .case h4 span { display: block; font-weight: 400; color: var(--soft); overflow-wrap: anywhere; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .6rem; }
.maps figcaption { font-size: .76rem; letter-spacing: -.005em; line-height: 1.4; margin-top: .3rem; } .maps figcaption b { overflow-wrap: anywhere; } .maps figcaption > span { display: block; margin: 0; white-space: normal; } .maps figcaption > .score { display: flex; }
.score { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .4em; } .score i { font-style: normal; }
.lay { position: relative; aspect-ratio: 1; border-radius: 8px; overflow: hidden; background: #8883; }
.lay img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 0; object-fit: fill; }
.lay img:first-child:not(:only-child):not(.heat) { filter: grayscale(var(--heat)); } .lay .heat { opacity: var(--heat); }
.beside h4 .right { color: var(--good); } .wrong, .beside h4 .wrong, .shown > header .wrong { color: var(--wrong); }
.case { padding: .9rem 0; border-top: 1px solid var(--line); } .case:last-child { padding-bottom: 0; }
.case > header { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; align-items: baseline; margin: 0 0 .7rem; } .case h4 { margin: 0; min-width: 7rem; }
.case .bars { flex: 1 1 20rem; gap: .3rem 1.4rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 19rem)); font-size: .88rem; } .case .bars span { color: var(--soft); } .case .bars span b { color: var(--ink); font-weight: 600; }
.case h5 { margin: 0 0 .35rem; font-size: .85rem; font-weight: 600; }
.evidence { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; } .trio { flex: 3 1 330px; max-width: 520px; min-width: 0; } .maps.three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
.evidence .curves { flex: 4 1 430px; max-width: 760px; min-width: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 205px), 1fr)); gap: .8rem; align-content: start; } .curves figcaption { margin: 0 0 .2rem; } .curves figure { max-width: 330px; }

code, .hash { font: .86em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--bg); border-radius: 8px; padding: .7rem .9rem; margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; } .hash { overflow-wrap: anywhere; }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1.2rem; margin: 0; color: var(--ink); } dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }

@media (max-width: 640px) {
  .hero { padding-top: 1.5rem; } main > section { margin-top: 2.2rem; } .card { padding: .85rem .9rem; } .charts { gap: .8rem; }
  .hero .badge { white-space: normal; }
  table.main .model { display: none; } table.main .of { display: block; }
  table.main th.method { position: sticky; left: 0; background: var(--card); padding: .34rem .5rem .34rem 0; max-width: 40vw; white-space: normal; overflow-wrap: anywhere; }
  .scroll:has(table.main) { scroll-padding-left: 42vw; }
  table.main tbody tr:not(.first) > * { padding-top: .34rem; } table.main .start { padding-left: .85rem; }
  .beside, .models { grid-template-columns: minmax(0, 1fr); } .beside .plain .lay { max-width: 180px; }
  .shown > header .last { margin-left: 0; }
  .veils { position: static; } .veil { position: sticky; top: 2.6rem; }
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; } dl.facts dd { margin-bottom: .45rem; }
}
@media print {
  .to, .veil, .skip { display: none; } .veils { position: static; background: none; } .hero { padding-top: 0; }
  body { font-size: 12px; } .card { border-color: #ccc; padding: .7rem .8rem; }
  .card, .case, .trio, figure, tr { break-inside: avoid; } .shown, #curves .card, #origins .card, #settings .card, #accuracy .card { break-inside: auto; } .panels section, .matrix { break-inside: avoid; } .keys { break-after: avoid; } .shown > header, h2, h3, h4, h5, .lead { break-after: avoid; }
  .scroll, .over { overflow: visible; } .over svg { max-width: 100%; } table.main { font-size: 10.5px; } .sets.two { grid-template-columns: minmax(0, 1fr); }
  .charts figure { max-width: 330px; }
  img, .lay, .dot, .matrix td, .bars li { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
