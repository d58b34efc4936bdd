/** `#rrggbb`, in small letters. */
export type Hex = string

/** WCAG 2.2, 1.4.3: text. */
export const TEXT_CONTRAST = 4.5
/** WCAG 2.2, 1.4.11: what shows where a control is. */
export const CONTROL_CONTRAST = 3

type Rgb = readonly [number, number, number]

/** The contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(one: Hex, other: Hex): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** Black or white, whichever reads better on it: one of them always reaches 4.5. */
export function inkOn(background: Hex): Hex {
  return contrast(background, '#ffffff') >= contrast(background, '#000000') ? '#ffffff' : '#000000'
}

/** The colour, with as much white in it as it needs to be text on this dark background. */
export function lightenedFor(background: Hex, colour: Hex): Hex {
  const step = 20
  for (let part = 0; part <= step; part++) {
    const mixed = mix(colour, '#ffffff', part / step)
    if (contrast(mixed, background) >= TEXT_CONTRAST) return mixed
  }
  return '#ffffff'
}

/** So much of the second colour in the first, 0 to 1. */
export function mix(one: Hex, other: Hex, part: number): Hex {
  const [a, b] = [channels(one), channels(other)]
  const mixed = a.map((value, index) => Math.round(value + ((b[index] ?? 0) - value) * part))
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

function luminance(colour: Hex): number {
  const [red, green, blue] = channels(colour).map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

function channels(colour: Hex): Rgb {
  const number = Number.parseInt(colour.slice(1), 16)
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255]
}
