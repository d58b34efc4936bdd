import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lookOf } from '../look/look.ts'
import { unescape } from '../testing/browser.test-support.ts'
import { button, checkbox, field, form, hidden, notice } from './controls.ts'
import { attribute, type Child, html } from './html.ts'
import { layout } from './layout.ts'

/** The tags of a page in order, with their attributes' names: what text must not be able to change. */
function skeleton(markup: string): string[] {
  return [...markup.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'))
}

const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '<script>',
        '</h1>',
        '"',
        "'",
        '&',
        '>',
        '<',
        ' onload=x ',
        '`',
        '${',
        '-->',
        'é',
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)

function everything(text: string): Child {
  return html`<p class="who">${text}</p>
${field({ name: 'name', label: text, value: text, hint: text, error: text, autocomplete: 'off' })}
${form({
  action: '/a',
  csrf: text,
  children: html`${hidden('id', text)}${checkbox('box', text)}${button({ label: text, about: text, name: 'n', value: text })}`,
})}
${notice('refused', text)}<a href="/x"${attribute('title', text)}>${[text, text]}</a>`
}

test('whatever people are called, a page has the same elements', () => {
  const render = (text: string) =>
    layout({ title: text, body: everything(text) }, lookOf(text, {}, '/realms/acme')).toString()
  const plain = skeleton(render('plain'))
  fc.assert(
    fc.property(HOSTILE, (text) => assert.deepEqual(skeleton(render(text)), plain)),
    { numRuns: 300 },
  )
})

test('what is escaped reads as it was written', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const shown = html`<p>${text}</p>`.toString()
      assert.equal(unescape(shown.slice('<p>'.length, -'</p>'.length)), text)
    }),
  )
})

test('nothing is written for what is left out', () => {
  const left: Child = undefined
  assert.equal(html`<p${attribute('id', undefined)}>${left}${false}</p>`.toString(), '<p></p>')
})

test('a field is tied to its label, its hint and its error', () => {
  const markup = field({
    name: 'code',
    label: 'Code',
    hint: 'Six digits',
    error: 'Wrong',
    autocomplete: 'one-time-code',
  }).toString()
  assert.match(markup, /<label for="f-code">/)
  assert.match(markup, /aria-describedby="f-code-hint f-code-error"/)
  assert.match(markup, /id="f-code-error"/)
  assert.match(markup, /aria-invalid="true"/)
  assert.match(markup, / autofocus/)
})
