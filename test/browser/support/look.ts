import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'
import { type Opened, picture } from './chromium.ts'

const VIEWPORTS = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
] as const
/** WCAG 2.2, 2.5.5, in CSS pixels. */
const TARGET = 44

/** Looks at the page as it is now: on a telephone and a desk, by day and by night. */
export async function looksRight({ page, complaints }: Opened, name: string): Promise<void> {
  for (const viewport of VIEWPORTS) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const where = `${name} at ${viewport.width}, ${colorScheme}`
      await picture(page, `${name}-${viewport.width}-${colorScheme}`)
      const axe = new AxeBuilder({ page })
      // By night only the colours are others.
      if (colorScheme === 'dark') axe.withRules(['color-contrast'])
      const { violations } = await axe.analyze()
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
      assert.deepEqual(found, [], where)
    }
    assert.deepEqual(await tooSmall(page), [], `${name} at ${viewport.width}: targets`)
    const wide = await page.evaluate('document.documentElement.scrollWidth')
    assert.equal(wide, viewport.width, `${name} at ${viewport.width}: wider than the window`)
  }
  assert.deepEqual(complaints, [], name)
}

/** What can be pressed and is not high enough. Links in a line of text are excepted, as in WCAG. */
function tooSmall(page: Opened['page']): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('button, .button, input:not([type=hidden]):not(.hidden), .check, .more a, .sections a')]
    .filter((one) => one.offsetParent !== null && one.type !== 'checkbox')
    .filter((one) => one.getBoundingClientRect().height < ${TARGET})
    .map((one) => one.outerHTML)`)
}
