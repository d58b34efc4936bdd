import type { Look } from '../look/look.ts'
import { type Child, type Html, html } from './html.ts'

/** One page, before it has the look of a realm. */
export interface Page {
  /** What the page is for; stands in the title and, unless the body has its own, as the heading. */
  readonly title: string
  readonly body: Child
  /** Something on it was refused: the title says so first, for who hears titles only. */
  readonly refused?: boolean
  /** Account pages: wider, with their own navigation. */
  readonly navigation?: Child
  /** The script for passkeys is wanted; without it a page has none at all. */
  readonly script?: boolean
}

/** The whole document: one language, one heading, landmarks, our own stylesheet and nothing else. */
export function layout(page: Page, look: Look): Html {
  const wide = page.navigation !== undefined
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${page.refused === true && 'Error: '}${page.title} · ${look.name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<link rel="stylesheet" href="${look.stylesheet.path}">
<link rel="icon" href="${look.icon.path}">
${page.script === true && html`<script src="${look.script.path}" defer></script>`}
</head>
<body${wide && html` class="wide"`}>
<header class="brand">${brand(look)}</header>
${wide && html`<nav class="sections" aria-label="Your account">${page.navigation}</nav>`}
<main class="card">
<h1>${page.title}</h1>
${page.body}
</main>
</body>
</html>
`
}

/** The name in words always: a picture alone would tell nothing to who does not see it. */
function brand(look: Look): Html {
  const picture =
    look.logo === undefined
      ? html`<span class="monogram" aria-hidden="true">${initialOf(look.name)}</span>`
      : html`<img src="${look.logo.path}" alt="" height="40">`
  return html`${picture}<span class="name">${look.name}</span>`
}

function initialOf(name: string): string {
  const [first = ''] = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(name)
  return typeof first === 'string' ? first : first.segment.toLocaleUpperCase('en')
}
