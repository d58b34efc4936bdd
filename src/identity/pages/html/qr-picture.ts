import { create } from 'qrcode'
import { type Html, html } from './html.ts'

/** The quiet zone that ISO/IEC 18004 asks for, in modules. */
const MARGIN = 4

/**
 * A QR code as markup: no image to fetch, no `data:` in the policy. Dark on light in dark mode too,
 * because many readers know no other.
 */
export function qrPicture(text: string, label: string): Html {
  const { modules } = create(text, { errorCorrectionLevel: 'M' })
  const dark: string[] = []
  for (let row = 0; row < modules.size; row++) {
    for (let column = 0; column < modules.size; column++) {
      if (modules.get(row, column) !== 0) dark.push(`M${column + MARGIN} ${row + MARGIN}h1v1h-1z`)
    }
  }
  const side = modules.size + 2 * MARGIN
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">
<rect width="${side}" height="${side}" fill="#fff"/><path d="${dark.join('')}" fill="#000"/></svg>`
}
