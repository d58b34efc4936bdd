/** The header of a mail, as a mail server reads it. */
export interface MailHeaders {
  /** In lower case, as often as they are there. */
  readonly names: readonly string[]
  value(name: string): string
}

export function mailHeaders(mail: string): MailHeaders {
  const [head = ''] = mail.split(/\r?\n\r?\n/, 1)
  // RFC 5322, section 2.2.3: a line that begins with a space goes on with the one before it.
  const lines = head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
  const fields = lines.map((line) => {
    const cut = line.indexOf(':')
    return [line.slice(0, cut).toLowerCase(), line.slice(cut + 1).trim()] as const
  })
  return {
    names: fields.map(([name]) => name),
    value: (name) => fields.find(([one]) => one === name)?.[1] ?? '',
  }
}

const WORD = /=\?[^?]+\?([bq])\?([^?]*)\?=/gi

/** What programs show in which encoded words stand (RFC 2047), byte by byte, wherever they stand. */
export function shown(value: string): string {
  return value.replaceAll(WORD, (_, kind: string, text: string) =>
    kind.toLowerCase() === 'b'
      ? Buffer.from(text, 'base64').toString('latin1')
      : text.replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        ),
  )
}
