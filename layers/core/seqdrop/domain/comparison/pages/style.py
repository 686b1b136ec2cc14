"""The style of a comparison's page: light, dark, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ground: #f3f5f8; --ink: #18212c; --soft: #556170; --line: #d5dbe3;
  --a: #0b5fa5; --b: #ad430a; --tone: #556170; --tint: #f3f5f8;
  --same: #b9c6d4; --rewritten: #6f8299;
  --green: #00684f; --green-tint: #e8f4f0; --blue: #1c5a96; --blue-tint: #e9f1f9;
  --red: #a33a06; --red-tint: #fcefe8; --violet: #64478f; --violet-tint: #f2eef8;
  --h1: #fbc793; --h2: #f3a866; --h3: #e8904a; --h4: #d87a31; --h5: #a94c0d; --h6: #6f2e05;
  --h-low: #18212c; --h-high: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #141920; --ground: #1d242d; --ink: #e7ebf0; --soft: #a5b0be; --line: #35404d;
    --a: #74b8f2; --b: #f2a26e; --same: #435365; --rewritten: #8497ad;
    --green: #63c9a9; --green-tint: #17302a; --blue: #7db7ee; --blue-tint: #182a3d;
    --red: #f2a26e; --red-tint: #36221a; --violet: #bfa5e8; --violet-tint: #2a2338;
    --h1: #5c3519; --h2: #7a441b; --h3: #97531e; --h4: #d27733; --h5: #efa368; --h6: #fbd3b0;
    --h-low: #ffffff; --h-high: #18212c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main, footer { max-width: 1100px; margin: 0 auto; padding: 0 28px; }
main { padding-top: 40px; }
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 2.3rem; line-height: 1.1; letter-spacing: -.02em; color: var(--tone); }
h2 { font-size: 1.25rem; line-height: 1.3; letter-spacing: -.01em; }
section { margin-top: 52px; }
.lead { max-width: 46rem; margin-top: 4px; color: var(--soft); }
.lead + *, h2 + .box, h2 + ul, h2 + dl, h2 + p:not(.lead) { margin-top: 16px; }
.note { margin-top: 10px; color: var(--soft); font-size: .87rem; max-width: 46rem; }
.soft, .missing { color: var(--soft); }
.missing { font-style: italic; }
.over { color: var(--soft); font-size: .87rem; margin-bottom: 12px; }
.two {
  display: grid; gap: 0 56px;
  grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr));
}

.identical { --tone: var(--green); --tint: var(--green-tint); }
.equivalent { --tone: var(--blue); --tint: var(--blue-tint); }
.different { --tone: var(--red); --tint: var(--red-tint); }
.unresolved { --tone: var(--violet); --tint: var(--violet-tint); }
.banner {
  background: var(--tint); border: 1px solid var(--tone); border-radius: 10px;
  padding: 28px 32px 26px; display: grid; grid-template-columns: auto minmax(0, 1fr);
  gap: 0 24px;
}
.sign {
  width: 76px; height: 76px; border-radius: 10px; background: var(--tone); color: var(--paper);
  font-size: 50px; font-weight: 600; line-height: 72px; text-align: center;
}
.reason { font-size: 1.12rem; margin-top: 8px; max-width: 44rem; }
.figures { display: flex; flex-wrap: wrap; gap: 16px 44px; margin-top: 24px; grid-column: 1 / -1;
  border-top: 1px solid var(--line); padding-top: 18px; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--soft); font-size: .87rem; line-height: 1.35; }
.figures dd { font-size: 1.6rem; font-weight: 600; line-height: 1.25; letter-spacing: -.01em; }
.figures .first dd { color: var(--tone); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: .87rem; }
.legend + .box { margin-top: 12px; }
.banner .legend { grid-column: 1 / -1; margin-top: 16px; }
.legend b { font-weight: 600; }
.banner .note { grid-column: 1 / -1; }
.banner .note a { color: inherit; }

.box { overflow: auto; max-height: min(46rem, 80vh); border-bottom: 1px solid var(--line); }
.box:focus-visible { outline: 2px solid var(--a); outline-offset: 3px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .9rem;
  overflow-wrap: break-word; }
th, td { padding: 6px 16px 6px 0; text-align: left; vertical-align: top; line-height: 1.45; }
th:last-child, td:last-child { padding-right: 6px; }
thead th {
  position: sticky; top: 0; z-index: 1; background: var(--paper); color: var(--soft);
  font-weight: 500; vertical-align: bottom; border-bottom: 1px solid var(--soft);
}
tbody th { font-weight: 500; }
tbody tr + tr > *, tbody + tbody > tr > * { border-top: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.strong { font-weight: 650; }
.quiet td { color: var(--soft); }
.group th {
  padding-top: 20px; font-weight: 650; border-top: 0; background: var(--paper);
}
tbody:first-of-type .group th { padding-top: 12px; }
.mono, .change {
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  font-size: .92em;
}
.where, .variants .whole { white-space: nowrap; }
.variants td, .variants th { min-width: 6.5rem; overflow-wrap: anywhere; }
.variants thead th { overflow-wrap: normal; }
.sides td, .sides th { overflow-wrap: anywhere; }
.variants td.wide { min-width: 13rem; }
.variants tbody th .change { display: block; font-weight: 400; }
.of-a { color: var(--a); } .of-b { color: var(--b); }
.arrow { color: var(--soft); }
.sides thead th { color: var(--ink); font-weight: 600; width: 42%; }
.sides thead th:first-child { width: 16%; }
.sides tbody th { color: var(--soft); font-weight: 400; }
.badge {
  display: inline-block; min-width: 1.7em; margin-right: .5em; padding: 0 .4em; text-align: center;
  border-radius: 4px; color: var(--paper); font-weight: 600;
}
.badge.a { background: var(--a); } .badge.b { background: var(--b); }
.mark { color: var(--soft); font-size: .8rem; white-space: nowrap; }
.differs td { font-weight: 600; }

svg { display: block; }
.bar { min-width: 150px; width: 32%; vertical-align: middle; }
.bar.short { width: 18%; }
.bar svg { width: 100%; height: 15px; margin: 3px 0; }
.track { fill: var(--ground); }
.same { fill: var(--same); } .rewritten { fill: var(--rewritten); } .changed { fill: var(--b); }
.plain { fill: var(--rewritten); }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; }
.c-only_a { --change: #0072b2; } .c-only_b { --change: #d55e00; } .c-genotype { --change: #009e73; }
.c-consequence { --change: #c76fa0; } .c-classification { --change: #3a9bd3; }
.c-filter { --change: #d08f00; } .c-phase { --change: #958800; } .c-reference { --change: #7c8692; }
.c-not_comparable { --change: #98a1ac; } .c-unresolved { --change: #59636f; }
.swatch { background: var(--change); } .segment { fill: var(--change); }

.heat { background: var(--heat); fill: var(--heat); color: var(--h-low); }
.h1 { --heat: var(--h1); } .h2 { --heat: var(--h2); } .h3 { --heat: var(--h3); }
.h4 { --heat: var(--h4); color: #18212c; } .h5 { --heat: var(--h5); } .h6 { --heat: var(--h6); }
.h5, .h6 { color: var(--h-high); }
.regions th, .regions td { padding-right: 9px; font-size: .88em; }
.regions .region { min-width: 6rem; }
.matrix { width: auto; }
.matrix th, .matrix td { text-align: right; padding: 7px 12px; border: 0; min-width: 4rem;
  overflow-wrap: normal; white-space: nowrap; }
.matrix thead th:first-child, .matrix tbody th { text-align: left; padding-left: 0; }
.matrix tbody tr > td, .matrix tbody + tbody > tr > td {
  border: 1px solid var(--paper); border-radius: 4px;
}
.matrix td.heat { font-weight: 600; }
.matrix td.diagonal { color: var(--soft); background: var(--ground); }
.matrix td.none { color: var(--line); }
.contigs th, .contigs td { padding-top: 2px; padding-bottom: 2px; white-space: nowrap;
  vertical-align: middle; border: 0 !important; }
.contigs thead th {
  padding-bottom: 6px; border-bottom: 1px solid var(--soft) !important; white-space: normal;
}
.contigs td.strip { width: 100%; min-width: 200px; }
.chromosome {
  height: 14px; min-width: 5px; border-radius: 7px; overflow: hidden; background: var(--ground);
  box-shadow: inset 0 0 0 1px var(--same);
}
.chromosome svg { width: 100%; height: 14px; }
.scale { display: inline-flex; vertical-align: -1px; margin: 0 6px; }
.scale i { width: 22px; height: 11px; }
.dot { width: 212px; }
.dot svg { width: 200px; height: 20px; }
.dot.short { width: 86px; } .dot.short svg { width: 80px; }
.dot line { stroke: var(--line); } .dot .from { stroke: var(--b); stroke-width: 2; }
.dot .at-a { fill: var(--paper); stroke: var(--a); stroke-width: 2; } .dot .at-b { fill: var(--b); }
.points { padding-left: 1.15rem; max-width: 56rem; } .points li { margin-top: 5px; }
.warnings { border-left: 4px solid var(--b); padding-left: 18px; list-style: none; }
.lines { list-style: none; }
.lines li { padding: 4px 0; border-top: 1px solid var(--line); }
.terms {
  display: grid; grid-template-columns: fit-content(16rem) minmax(0, 1fr);
  gap: 6px 28px; max-width: 56rem; font-size: .9rem;
}
.terms dt { color: var(--soft); }
footer {
  margin-top: 56px; padding-top: 16px; padding-bottom: 48px; color: var(--soft);
  font-size: .87rem;
}
.signed { display: none; }

@media (max-width: 640px) {
  main { padding-top: 24px; } main, footer { padding-left: 16px; padding-right: 16px; }
  section { margin-top: 40px; }
  .banner { padding: 20px; gap: 0 16px; }
  .sign { width: 48px; height: 48px; font-size: 32px; line-height: 46px; }
  h1 { font-size: 1.8rem; line-height: 48px; }
  .reason { font-size: 1rem; }
  .banner > div:not(.sign) { display: contents; }
  .reason { grid-column: 1 / -1; }
  .figures { gap: 14px 28px; } .figures dd { font-size: 1.3rem; }
  .terms { grid-template-columns: minmax(0, 1fr); gap: 0; } .terms dd { margin-bottom: 8px; }
  .sides thead th { width: 38%; } .sides thead th:first-child { width: 24%; }
}
@media print {
  @page { size: A4; margin: 14mm 13mm; }
  :root { color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html, body { font-size: 9.5pt; line-height: 1.4; }
  main, footer { max-width: none; padding: 0; }
  section { margin-top: 22pt; }
  h1 { font-size: 21pt; } h2 { font-size: 12.5pt; break-after: avoid; }
  .lead { break-inside: avoid; break-after: avoid; }
  #others { break-before: page; margin-top: 0; }
  .banner { padding: 14pt 16pt; }
  .figures { margin-top: 12pt; padding-top: 10pt; gap: 10pt 24pt; }
  .box { overflow: visible; max-height: none; }
  thead { display: table-header-group; } thead th { position: static; }
  tr, .banner, .legend, .terms, li { break-inside: avoid; }
  .group { break-after: avoid; }
  table { font-size: 8.5pt; } th, td { padding: 3pt 8pt 3pt 0; }
  .variants { font-size: 7.5pt; } .variants th, .variants td { padding: 2pt 7pt 2pt 0; }
  .variants thead th:first-child { width: 26%; }
  .variants tbody th .change { display: inline; }
  .variants tbody th .change::before { content: " "; }
  .variants td, .variants th, .variants td.wide { min-width: 15mm; }
  .bar { min-width: 60pt; }
  .two { display: block; }
  #classes, #genotypes, #absences, #qc, #contigs { break-inside: avoid; }
  .matrix th, .matrix td { min-width: 0; padding: 4pt 7pt; }
  .dot, .dot svg { width: 150px; }
  footer { margin-top: 26pt; padding-bottom: 0; }
  .signed {
    display: grid; grid-template-columns: 2fr 1fr 2fr; gap: 24pt; margin-top: 34pt;
    break-inside: avoid;
  }
  .signed span { border-top: 1px solid var(--ink); padding-top: 3pt; }
}
"""
