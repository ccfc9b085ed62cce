/**
 * The page's style, for light and dark screens and for paper. Coloured pieces are light enough for
 * dark letters in both.
 */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1b1f24; --faint: #59636e; --rule: #d1d9e0; --panel: #f6f8fa; --link: #0a5bc4; --mark: #8250df;
  --frame-0: #e9edf1; --frame-1: #dde3e9; --frame-2: #f0f2f5;
  --lock-wait: #b79ce6; --page-array: #f2bd4f; --sg-to-pages: #ec7a45; --vmap: #63aeea; --free: #f0a0c4; --other: #b3bcc6;
  --undivided: #66bfae; --core: #93d1a0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --ink: #e6edf3; --faint: #9aa4af; --rule: #38404a; --panel: #171d24; --link: #6cb0ff; --mark: #d2a8ff;
    --frame-0: #2b323a; --frame-1: #353d47; --frame-2: #242a31;
    --lock-wait: #a486da; --page-array: #d9a53c; --sg-to-pages: #de6d38; --vmap: #4c9bdc; --free: #d685ab; --other: #8d97a2;
    --undivided: #4fa897; --core: #74b583;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 40px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 16px 0 2px; }
p { margin: 6px 0; max-width: 80em; overflow-wrap: anywhere; }
small { color: var(--faint); font-size: 12.5px; }
a { color: var(--link); }
code, .flame text { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 12px; }
header p { color: var(--faint); }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0 0; }
.facts div { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 8px 14px; }
.facts dt { color: var(--faint); font-size: 12.5px; }
.facts dd { margin: 0; font-size: 20px; font-variant-numeric: tabular-nums; }
.findings { list-style: none; margin: 0; padding: 0; }
.finding { border-left: 4px solid var(--vmap); padding: 2px 0 2px 12px; margin: 12px 0; }
.repeated-mapping, .one-use-mapping { border-color: var(--sg-to-pages); }
.failed-mapping, .gaps-in-source { border-color: var(--page-array); }
.no-fbdev-mapping { border-color: var(--core); }
.finding p { margin: 0; }
.evidence { display: flex; flex-wrap: wrap; gap: 0 18px; margin: 0; color: var(--faint); font-size: 12.5px; }
.evidence div { display: flex; gap: 5px; }
.evidence dd { margin: 0; color: var(--ink); font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: 10px 0; }
.scroll:focus-visible, .flame:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 13.5px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { color: var(--faint); font-weight: 600; font-size: 12.5px; vertical-align: bottom; }
th, td { text-align: left; padding: 5px 16px 5px 0; border-bottom: 1px solid var(--rule); }
td:first-child { min-width: 11em; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { display: block; width: 220px; height: 16px; border-radius: 2px; }
.bar.short { display: inline-block; width: 140px; height: 12px; vertical-align: middle; }
.all { fill: var(--rule); } .high { fill: var(--core); opacity: 0.55; } .low { fill: var(--core); }
.basis { margin: 2px 0 12px; padding-left: 20px; color: var(--faint); font-size: 13.5px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 8px 0; padding: 0; font-size: 13px; }
.key { width: 12px; height: 12px; border-radius: 2px; vertical-align: -1px; }
.u-lock-wait, .f-lock-wait { fill: var(--lock-wait); } .u-page-array, .f-page-array { fill: var(--page-array); }
.u-sg-to-pages, .f-sg-to-pages { fill: var(--sg-to-pages); } .u-vmap, .f-vmap { fill: var(--vmap); }
.u-free, .f-free { fill: var(--free); } .u-other { fill: var(--other); } .u-undivided, .u-calls { fill: var(--undivided); }
.f-core { fill: var(--core); } .f-0 { fill: var(--frame-0); } .f-1 { fill: var(--frame-1); } .f-2 { fill: var(--frame-2); }
.flame { display: block; margin: 8px 0; }
.flame svg { cursor: pointer; }
.flame rect { stroke: var(--page); stroke-width: 1px; }
.flame text { fill: #14181d; pointer-events: none; }
.f-0 text, .f-1 text, .f-2 text { fill: var(--ink); }
.flame .hit rect { fill: var(--mark); } .flame .hit text { fill: var(--page); }
.flame .selected rect { stroke: var(--ink); stroke-width: 3px; }
.tools { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; font-size: 13.5px; }
.tools[hidden] { display: none; }
.tools input, .tools button { font: inherit; padding: 2px 8px; }
.readout { min-height: 1.5em; font-size: 13.5px; font-variant-numeric: tabular-nums; }
.lines { display: grid; grid-template-columns: 220px 1fr; gap: 8px 14px; align-items: center; margin: 12px 0 0; }
.who { line-height: 1.3; overflow-wrap: anywhere; font-size: 13.5px; } .who b { display: block; font-weight: 600; }
.line { width: 100%; height: 64px; background: var(--panel); border-bottom: 1px solid var(--faint); shape-rendering: crispEdges; }
.cut { fill: var(--ink); } .hint { fill: transparent; } .hint:hover { fill: var(--ink); opacity: 0.12; }
.axis { display: block; overflow: visible; } .axis line { stroke: var(--faint); }
.axis text { fill: var(--faint); font-size: 11.5px; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
.paths { padding-left: 26px; } .paths li { margin: 12px 0; } .paths h3 { margin: 0; } .paths p { margin: 0; }
@media (max-width: 700px) {
  main { padding: 16px 12px 32px; }
  .lines { grid-template-columns: 1fr; gap: 4px; } .lines > div:empty { display: none; }
  .facts div { padding: 4px 10px; } .facts dd { font-size: 17px; }
}
@media print {
  :root {
    --page: #ffffff; --ink: #000000; --faint: #444444; --rule: #bbbbbb; --panel: #ffffff; --link: #000000;
    --frame-0: #e9edf1; --frame-1: #dde3e9; --frame-2: #f0f2f5;
  }
  body { font-size: 12px; }
  main { max-width: none; padding: 0; }
  table { font-size: 9.5px; }
  th, small { font-size: 9px; }
  th, td { padding: 3px 8px 3px 0; }
  td:first-child { min-width: 8em; }
  .bar, .bar.short { width: 70px; }
  .basis, .legend, .evidence { font-size: 11px; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .tools, .readout { display: none; }
  .scroll { overflow: visible; }
  tr, .finding, .paths li, .lines > * { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;
