/**
 * Parses JSON and refuses what parsers disagree about: a key that occurs twice in one object.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  refuseRepeatedKeys(text)
  return value
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/** `text` is valid JSON, so that tokens alone tell where objects begin and end. */
function refuseRepeatedKeys(text: string): void {
  // One entry per open object or array; arrays have no keys.
  const open: (Set<string> | undefined)[] = []
  let string: string | undefined
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':' && string !== undefined) {
      const key: unknown = JSON.parse(string)
      const keys = open.at(-1)
      if (typeof key !== 'string' || keys?.has(key) === true) {
        throw new SyntaxError('a key occurs twice in one object')
      }
      keys?.add(key)
    }
    string = token.startsWith('"') ? token : undefined
  }
}
