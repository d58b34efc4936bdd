import { type Accent, accents, DARK, LIGHT, type Palette } from './palette.ts'
import type { Theme } from './theme.ts'

/** The stylesheet of a realm's pages: the one look of all, in the realm's own colour. */
export function stylesheet(theme: Pick<Theme, 'accent' | 'accentDark'>): string {
  const { light, dark } = accents(theme.accent, theme.accentDark)
  return `:root{color-scheme:light dark;${variables(LIGHT, light)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK, dark)}}}
${RULES}`
}

function variables(palette: Palette, accent: Accent): string {
  const named = { ...palette, accent: accent.colour, accentInk: accent.ink }
  return Object.entries(named)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')
}

/**
 * Mobile first: one column from 320 px up, in rem, so that a reader's own text size is respected.
 * What can be pressed is 44 px high (WCAG 2.2, 2.5.5), and the ring of the focus is always seen.
 */
const RULES = `
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;gap:1.5rem;padding:2rem 1rem;background:var(--background);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1,h2,h3{line-height:1.25;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:1.5rem;font-weight:650;margin:0 0 1rem}
h2{font-size:1.0625rem;font-weight:650;margin:2rem 0 .5rem}
p{margin:0 0 1rem}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.muted,.hint{color:var(--muted)}
.brand{display:flex;align-items:center;gap:.75rem;max-width:100%;font-size:1.125rem;font-weight:600}
.brand img{display:block;height:2.5rem;width:auto;max-width:10rem;object-fit:contain}
.monogram{flex:none;display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:.75rem;background:var(--accent);color:var(--accentInk);font-weight:700}
.card{width:100%;max-width:26rem;padding:1.5rem;background:var(--surface);border:1px solid var(--line);border-radius:1rem;box-shadow:0 1px 2px rgb(0 0 0/.04),0 8px 24px rgb(0 0 0/.05)}
.card>:last-child,form>:last-child,.notice>:last-child,li>:last-child{margin-bottom:0}
form{margin:0 0 .75rem}
.field{margin:0 0 1rem}
label{display:block;font-weight:600;margin-bottom:.25rem}
label .muted{font-weight:400}
.hint{font-size:.9375rem;margin:0 0 .375rem}
.error{color:var(--danger);font-size:.9375rem;font-weight:600;margin:0 0 .375rem}
input:not([type=checkbox]):not(.hidden),select{display:block;width:100%;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--edge);border-radius:.625rem;background:var(--surface);color:inherit;font:inherit}
input:focus-visible,select:focus-visible{outline-offset:0;border-color:var(--accent)}
input[aria-invalid]{border:2px solid var(--danger)}
input.code{font-size:1.25rem;letter-spacing:.15em;font-variant-numeric:tabular-nums}
.check{display:flex;align-items:center;gap:.75rem;min-height:2.75rem;font-weight:400;cursor:pointer;margin:0}
.check input{flex:none;width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent)}
button,.button{display:flex;align-items:center;justify-content:center;width:100%;min-height:2.75rem;padding:.5rem 1rem;border:1px solid transparent;border-radius:.625rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer;margin:0 0 .75rem}
button.primary{background:var(--accent);color:var(--accentInk)}
button.plain,.button{background:transparent;border-color:var(--edge);color:var(--ink)}
button.danger{background:transparent;border-color:var(--danger);color:var(--danger)}
button.quiet{background:transparent;color:var(--muted)}
button:hover,.button:hover{filter:brightness(1.06)}
button.plain:hover,button.quiet:hover,.button:hover,button.danger:hover{background:var(--noteSurface)}
button:active{transform:translateY(1px)}
.or{display:flex;align-items:center;gap:.75rem;margin:1rem 0;color:var(--muted);font-size:.9375rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
.more{margin:.5rem 0;padding:0;list-style:none}
.more a,.sections a,.inline{display:inline-flex;align-items:center;min-height:2.75rem}
.who{display:flex;align-items:center;justify-content:space-between;gap:.75rem;margin:0 0 1rem;padding:.25rem .75rem;border:1px solid var(--line);border-radius:.625rem;background:var(--noteSurface)}
.who a{flex:none;display:inline-flex;align-items:center;min-height:2.75rem}
.notice{margin:0 0 1rem;padding:.75rem 1rem;border-radius:.625rem;border:1px solid var(--line);background:var(--noteSurface)}
.notice p{margin:0 0 .5rem}
.notice.refused{border-color:var(--danger);background:var(--dangerSurface);color:var(--danger)}
.notice.done{border-color:var(--good);background:var(--goodSurface);color:var(--good)}
.qr{display:block;width:12rem;max-width:100%;height:auto;margin:0 auto 1rem;border-radius:.5rem}
code,.secret{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9375rem}
.secret{display:block;margin:0 0 1rem;padding:.75rem;border:1px dashed var(--edge);border-radius:.625rem;user-select:all}
.codes{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.25rem 1rem;margin:0 0 1rem;padding:.75rem 1rem;border:1px dashed var(--edge);border-radius:.625rem;list-style:none}
.scopes{margin:0 0 1rem;padding-left:1.25rem;list-style:disc}
.scopes li{margin:0 0 .375rem}
.rows{margin:0 0 1.5rem;padding:0;list-style:none;border-top:1px solid var(--line)}
.rows>li{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1rem;padding:.875rem 0;border-bottom:1px solid var(--line)}
.rows>li:last-child{border-bottom:0;padding-bottom:0}
.rows .what{flex:1 1 9rem;min-width:0}
.rows .what p{margin:0}
.rows .what strong{font-weight:600}
.rows form.row{display:flex;flex-wrap:wrap;gap:.5rem;flex:none;margin:0}
.rows button,.rows .button{width:auto;margin:0}
.sections{width:100%;max-width:44rem}
.sections ul{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:0;padding:0;list-style:none}
.sections a{color:var(--muted);text-decoration:none;border-bottom:2px solid transparent}
.sections a:hover{color:var(--ink)}
.sections a[aria-current]{color:var(--ink);font-weight:600;border-color:var(--accent)}
.wide .card{max-width:44rem}
.wide .card form:not(.row){max-width:26rem}
fieldset{margin:0 0 1rem;padding:0;border:0}
legend{padding:0;font-weight:600}
summary{cursor:pointer;color:var(--accent);text-decoration:underline;text-underline-offset:.2em}
details[open]{margin-bottom:1rem}
[hidden]{display:none}
@media (min-width:40rem){body{padding-top:min(12vh,6rem)}.wide{padding-top:2rem}.card{padding:2rem}.wide .card form:not(.row) button{width:auto}}
@media (forced-colors:active){button,.button,.card,.monogram{border:1px solid}}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media print{body{padding:0}.sections,form,.more{display:none}.card{border:0;box-shadow:none}}
`
