import { z } from 'zod'
import { contrast, TEXT_CONTRAST } from './contrast.ts'
import { isRaster, LOGO_BYTES_MAX, LOGO_TYPES } from './logo.ts'
import { DARK, LIGHT } from './palette.ts'

const NAME_CHARACTERS_MAX = 60
/** No control characters, and none that turns the direction of what stands beside it. */
const PLAIN_TEXT = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u

function colourOn(mode: 'light' | 'dark') {
  const { surface, background, noteSurface } = mode === 'light' ? LIGHT : DARK
  return z
    .string()
    .regex(/^#[0-9a-f]{6}$/, 'a colour is #rrggbb, in small letters')
    .refine(
      (colour) =>
        [surface, background, noteSurface].every(
          (under) => contrast(colour, under) >= TEXT_CONTRAST,
        ),
      `text in this colour would be hard to read in ${mode} mode: its contrast is below ${TEXT_CONTRAST}`,
    )
}

/** What a tenant may change about the look of its realm. Strict: what is not here is refused. */
export const themeSchema = z.strictObject({
  /** Instead of the realm's name. */
  name: z.string().trim().min(1).max(NAME_CHARACTERS_MAX).regex(PLAIN_TEXT).optional(),
  /** Buttons, links and the ring of the focus. */
  accent: colourOn('light').optional(),
  /** In dark mode. Unless given, the accent with as much white as it needs. */
  accentDark: colourOn('dark').optional(),
  /** A picture of pixels. SVG is not one: it can hold scripts, and references to elsewhere. */
  logo: z
    .strictObject({
      type: z.enum(LOGO_TYPES),
      /** Base64. */
      data: z.base64().max(Math.ceil((LOGO_BYTES_MAX * 4) / 3) + 4),
    })
    .refine(
      ({ type, data }) => isRaster(type, Buffer.from(data, 'base64')),
      `not a picture of that type, of at most ${LOGO_BYTES_MAX} bytes and 1000 pixels a side`,
    )
    .optional(),
})

export type Theme = z.infer<typeof themeSchema>
