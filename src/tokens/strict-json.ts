const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * True when some object in the JSON text names a member twice. Parsers differ in which one they
 * take (RFC 8259, section 4), so that a signer and a reader could understand two things. `text` is
 * valid JSON.
 */
export function namesMemberTwice(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  let previous = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const names = open.at(-1)
      const name: unknown = JSON.parse(previous)
      if (names?.has(String(name))) return true
      names?.add(String(name))
    }
    previous = token
  }
  return false
}
