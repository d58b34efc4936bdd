/** The end of a JSON string that begins before `from`: the index of its quote, or -1 so far. */
export function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (at - slashes - 1 >= from && text.charCodeAt(at - slashes - 1) === 92) slashes += 1
    if (slashes % 2 === 0) return at
  }
  return -1
}

const CONTROL = /\p{Cc}/u

/**
 * What a JSON string says. `inside` is what stands between its quotes.
 * @throws SyntaxError
 */
export function stringOf(inside: string): string {
  if (!inside.includes('\\') && !CONTROL.test(inside)) return inside
  const value: unknown = JSON.parse(`"${inside}"`)
  return String(value)
}

const NUMBER = /^-?(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/
/** Longest whole number that is written out. */
const DIGITS_MAX = 40

/**
 * The digits of a whole number, however it is written and without its sign: `4.1e3` is 4100. Other
 * numbers as they stand.
 */
export function digitsOf(token: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? []
  const point = Number(exponent)
  const zeros = fraction.replace(/0+$/, '')
  if (whole === '' || whole.length + point > DIGITS_MAX) return token
  if (point < 0) {
    const cut = whole.length + point
    const isWhole = cut > 0 && zeros === '' && /^0*$/.test(whole.slice(cut))
    return isWhole ? whole.slice(0, cut) : token
  }
  if (zeros.length > point) return token
  return (whole + zeros.padEnd(point, '0')).replace(/^0+(?=\d)/, '')
}
