/** The page's only style sheet; the page's security policy names its digest. */
export const HTML_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #1d2530; --soft: #55606e; --line: #dfe2e0;
  --denied: #d9efe0; --denied-ink: #14583a; --limit: #fbe6b4; --limit-ink: #6b4300;
  --leaked: #b3261e; --leaked-ink: #ffffff; --void: #e4e5ec; --void-ink: #484a5c;
  --none-ink: #a9aeb5; --code: #f1f2ef;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --card: #1b2128; --ink: #e4e8ec; --soft: #9fabb8; --line: #2f3843;
    --denied: #173c2a; --denied-ink: #8be0af; --limit: #4b3809; --limit-ink: #f7d484;
    --leaked: #d4483d; --leaked-ink: #ffffff; --void: #343743; --void-ink: #c3c6d6;
    --none-ink: #5a646f; --code: #232a33;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
}
main, .top, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
.top { padding-top: 2rem; color: var(--soft); font-size: .9rem; }
.brand { font-weight: 650; color: var(--ink); letter-spacing: .01em; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.9rem; margin: 0 0 .4rem; letter-spacing: -.015em; }
h2 { font-size: 1.25rem; margin: 3rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; overflow-wrap: anywhere; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: .6rem 0 1rem; white-space: pre-wrap; }
.verdict { display: flex; gap: 1.1rem; align-items: flex-start; margin: 1rem 0 1.25rem; padding: 1.4rem 1.5rem; border-radius: .8rem; background: var(--card); border: 1px solid var(--line); border-left: .5rem solid var(--mark); }
.verdict p { margin: 0; }
.seal { flex: none; width: 3rem; height: 3rem; border-radius: 50%; display: grid; place-items: center; font-size: 1.5rem; font-weight: 700; background: var(--mark); color: var(--mark-ink); }
.proven { --mark: #1f7a4d; --mark-ink: #ffffff; }
.leak { --mark: var(--leaked); --mark-ink: var(--leaked-ink); }
.unnoticed { --mark: #c98a00; --mark-ink: #1d1300; }
.voided { --mark: #6b6e82; --mark-ink: #ffffff; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0 0 1.5rem; padding: 0; }
.numbers div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.numbers dt { color: var(--soft); font-size: .85rem; }
.numbers dd { margin: 0; font-size: 1.6rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.said dt { font-weight: 600; margin-top: .9rem; }
.said dd { margin: .1rem 0 0; max-width: 46rem; }
ul { margin: .3rem 0 .8rem; padding-left: 1.2rem; max-width: 46rem; }
li { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding-bottom: .5rem; }
th { text-align: left; font-weight: 600; }
.matrix { margin-top: .5rem; }
.matrix thead th { font-size: .85rem; padding: .25rem .3rem; vertical-align: bottom; }
.matrix thead th + th, .matrix td { text-align: center; width: 6.6rem; }
.matrix .kind th { padding: 1.1rem 0 .3rem; text-transform: capitalize; border-bottom: 1px solid var(--line); color: var(--soft); }
.matrix tbody th { font-weight: 400; padding: .28rem .6rem .28rem 0; font-size: .92rem; line-height: 1.3; }
.matrix tbody th code { display: block; color: var(--soft); font-size: .74rem; }
.matrix tbody td { padding: .2rem .3rem; white-space: nowrap; }
.ways { display: block; font-weight: 400; color: var(--soft); font-size: .7rem; white-space: nowrap; }
.m { display: inline-grid; place-items: center; width: 1.6rem; height: 1.6rem; margin: 0 .1rem; border-radius: .35rem; font-weight: 700; font-size: .9rem; line-height: 1; border: 1px solid transparent; }
.m.denied { background: var(--denied); color: var(--denied-ink); }
.m.leaked { background: var(--leaked); color: var(--leaked-ink); outline: 2px solid var(--leaked); outline-offset: 1px; }
.m.limit { background: var(--limit); color: var(--limit-ink); }
.m.void { background: var(--void); color: var(--void-ink); border: 1px dashed var(--void-ink); }
.m.none { color: var(--none-ink); }
.glance th, .glance td { border-top: 1px solid var(--line); padding: .55rem .8rem .55rem 0; vertical-align: top; }
.glance thead th { border-top: 0; font-size: .85rem; padding-bottom: .3rem; }
.glance tbody th { font-weight: 400; }
.glance td .count { display: inline-block; margin-right: .9rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.glance .m { width: 1.35rem; height: 1.35rem; font-size: .8rem; margin: 0 .35rem 0 0; }
.key { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: .4rem 0 .8rem; padding: 0; list-style: none; font-size: .875rem; }
.key .m { margin-right: .4rem; }
.tests { list-style: none; padding: 0; max-width: none; }
.tests > li { border-top: 1px solid var(--line); padding: .55rem 0; margin: 0; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.25fr); gap: .2rem 1.2rem; }
.tests code { color: var(--soft); }
.tests ul { list-style: none; padding: 0; margin: 0; }
.tests ul li { margin: .1rem 0; font-size: .875rem; }
.tests .m { width: 1.25rem; height: 1.25rem; font-size: .75rem; margin: 0 .35rem 0 0; }
.list td, .list th { border-top: 1px solid var(--line); padding: .45rem .6rem .45rem 0; vertical-align: top; font-size: .875rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; font-size: .9rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); padding: .5rem 0; }
summary { cursor: pointer; text-transform: capitalize; }
summary:focus-visible { outline: 2px solid currentColor; outline-offset: 3px; }
.alarm { border-left: .3rem solid var(--leaked); padding-left: 1rem; }
footer { margin-top: 3rem; padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .85rem; border-top: 1px solid var(--line); }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.paper { display: none; }
@media (max-width: 40rem) {
  main, .top, footer { padding-left: 1rem; padding-right: 1rem; }
  h1 { font-size: 1.5rem; }
  .verdict { padding: 1.1rem; gap: .8rem; }
  .seal { width: 2.3rem; height: 2.3rem; font-size: 1.15rem; }
  .numbers { grid-template-columns: repeat(3, 1fr); gap: .5rem; }
  .numbers div { padding: .5rem .6rem; }
  .numbers dd { font-size: 1.25rem; }
  .matrix thead th + th, .matrix td { width: 3.6rem; }
  .matrix tbody th { font-size: .82rem; padding-right: .3rem; }
  .matrix tbody th code { font-size: .64rem; }
  .matrix tbody td { padding: .15rem .1rem; }
  .m { width: 1.05rem; height: 1.05rem; font-size: .68rem; margin: 0; border-radius: .25rem; }
  .ways { display: none; }
  .glance { font-size: .82rem; }
  .glance .word { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .glance td .count { display: block; position: relative; margin: 0 0 .15rem; }
  .tests > li { grid-template-columns: 1fr; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .5rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; background: #fff; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, .top, footer { max-width: none; padding-left: 0; padding-right: 0; }
  h2, h3, .kind { break-after: avoid; }
  tr, .tests > li, .verdict, .numbers, .glance { break-inside: avoid; }
  details { display: none; }
  .paper { display: block; }
}
`
