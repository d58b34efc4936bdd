import type { Form } from './browser.ts'

const FORM = /<form [^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs
const INPUT = /<input [^>]*>/g

/** The forms of a page of ours, as a browser would read them. */
export function formsIn(text: string): readonly Form[] {
  return [...text.matchAll(FORM)].map(([, action = '', inside = '']) => ({
    action: plain(action),
    fields: Object.fromEntries(
      [...inside.matchAll(INPUT)]
        .filter(([input]) => / value="/.test(input))
        .map(([input]) => [attributeOf(input, 'name'), attributeOf(input, 'value')]),
    ),
  }))
}

function attributeOf(tag: string, name: string): string {
  return plain(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
}

function plain(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
