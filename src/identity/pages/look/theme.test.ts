import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CONTROL_CONTRAST, contrast, TEXT_CONTRAST } from './contrast.ts'
import { lookOf } from './look.ts'
import { accents, DARK, LIGHT, type Palette } from './palette.ts'
import { stylesheet } from './stylesheet.ts'
import { themeSchema } from './theme.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const accepts = (theme: unknown) => themeSchema.safeParse(theme).success
const logo = (type: string, data: Buffer) => ({ logo: { type, data: data.toString('base64') } })

test('contrast is as WCAG computes it', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21)
  assert.equal(contrast('#777777', '#777777'), 1)
  assert.ok(Math.abs(contrast('#767676', '#ffffff') - 4.54) < 0.01)
})

describe('the colours of pages', () => {
  const pairs = ({ background, surface, noteSurface, ...on }: Palette) =>
    [
      ...[background, surface, noteSurface].map((under) => [on.ink, under, TEXT_CONTRAST] as const),
      ...[background, surface, noteSurface].map(
        (under) => [on.muted, under, TEXT_CONTRAST] as const,
      ),
      [on.danger, surface, TEXT_CONTRAST],
      [on.danger, on.dangerSurface, TEXT_CONTRAST],
      [on.danger, noteSurface, TEXT_CONTRAST],
      [on.good, on.goodSurface, TEXT_CONTRAST],
      [on.edge, surface, CONTROL_CONTRAST],
    ] as const

  for (const [mode, palette] of Object.entries({ light: LIGHT, dark: DARK })) {
    test(`reach WCAG AA wherever they meet, in ${mode} mode`, () => {
      for (const [over, under, least] of pairs(palette)) {
        assert.ok(contrast(over, under) >= least, `${over} on ${under}`)
      }
    })
  }

  test('of a realm are readable as text and under text, whichever it chose', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const hex = fc
      .tuple(byte, byte, byte)
      .map((all) => `#${all.map((one) => one.toString(16).padStart(2, '0')).join('')}`)
    fc.assert(
      fc.property(hex, (accent) => {
        const parsed = themeSchema.safeParse({ accent })
        if (!parsed.success) {
          const worst = Math.min(
            contrast(accent, LIGHT.surface),
            contrast(accent, LIGHT.background),
          )
          assert.ok(worst < TEXT_CONTRAST)
          return
        }
        const { light, dark } = accents(accent)
        for (const [{ colour, ink }, { surface, background, noteSurface }] of [
          [light, LIGHT],
          [dark, DARK],
        ] as const) {
          for (const under of [surface, background, noteSurface]) {
            assert.ok(contrast(colour, under) >= TEXT_CONTRAST)
          }
          assert.ok(contrast(ink, colour) >= TEXT_CONTRAST)
        }
      }),
    )
  })
})

describe('a theme', () => {
  test('takes a name, colours that can be read, and a picture of pixels', () => {
    assert.ok(accepts({}))
    assert.ok(accepts({ name: 'Klinik Süd & Söhne', accent: '#0b6e4f', accentDark: '#7fd6a5' }))
    assert.ok(accepts(logo('image/png', PNG)))
  })

  for (const [what, theme] of [
    ['a colour that is too light to be read', { accent: '#ffe000' }],
    ['a dark colour for dark mode', { accentDark: '#003300' }],
    ['a colour that is more than a colour', { accent: '#0b6e4f;}body{display:none' }],
    ['a name of colours', { accent: 'red' }],
    ['a name that turns the direction of text', { name: 'Acme \u202egnp.exe' }],
    ['a name of several lines', { name: 'Acme\nClinic' }],
    ['an address of a picture', { logo: { type: 'image/png', data: 'https://evil.example/' } }],
    ['a drawing', logo('image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))],
    ['a drawing that says it is a picture', logo('image/png', Buffer.from('<svg onload="x"/>'))],
    ['a picture of another type', logo('image/jpeg', PNG)],
    ['a picture that ends early', logo('image/png', PNG.subarray(0, 18))],
    ['a picture that is too big', logo('image/png', Buffer.concat([PNG, Buffer.alloc(60_000)]))],
    ['a picture that is too wide', logo('image/png', withWidth(5000))],
    ['what is not part of a theme', { css: '*{}' }],
  ] as const) {
    test(`refuses ${what}`, () => assert.ok(!accepts(theme)))
  }

  test('reads pictures of any bytes without failing', () => {
    const begun = fc.constantFrom(
      Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
      Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]),
      Buffer.from('RIFF0000WEBPVP8 ', 'latin1'),
      Buffer.from('RIFF0000WEBPVP8X', 'latin1'),
      Buffer.alloc(0),
    )
    fc.assert(
      fc.property(
        begun,
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom('image/png', 'image/jpeg', 'image/webp'),
        (head, rest, type) => {
          assert.equal(typeof accepts(logo(type, Buffer.concat([head, rest]))), 'boolean')
        },
      ),
    )
  })
})

test('a stylesheet has no address of anything elsewhere', () => {
  assert.doesNotMatch(stylesheet({ accent: '#0b6e4f' }), /url\(|@import|https?:/)
})

test('files of a look have addresses that change with what they are', () => {
  const one = lookOf('Acme', {}, '/realms/acme')
  const other = lookOf('Acme', { accent: '#0b6e4f' }, '/realms/acme')
  assert.match(one.stylesheet.path, /^\/realms\/acme\/assets\/pages-[\w-]{20}$/)
  assert.notEqual(one.stylesheet.path, other.stylesheet.path)
  assert.equal(one.script.path, other.script.path)
})

function withWidth(width: number): Buffer {
  const bytes = Buffer.from(PNG)
  bytes.writeUInt32BE(width, 16)
  return bytes
}
