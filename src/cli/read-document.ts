import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** Every document of a YAML or JSON file. @throws RingfenceError `invalid_manifest` */
export function readDocuments(file: string): readonly unknown[] {
  try {
    return parseAllDocuments(readFileSync(file, 'utf8'), { prettyErrors: false })
      .map((document) => {
        if (document.errors[0] !== undefined) throw document.errors[0]
        return document.toJS() as unknown
      })
      .filter((document) => document !== null)
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${file}: ${messageOf(error)}`)
  }
}

/** The one object that a file holds. @throws RingfenceError `invalid_manifest` */
export function readObject(file: string): Record<string, unknown> {
  const [only, ...more] = readDocuments(file)
  if (typeof only === 'object' && only !== null && !Array.isArray(only) && more.length === 0) {
    return { ...only }
  }
  throw new RingfenceError('invalid_manifest', `${file}: it holds one object, and nothing else`)
}

/** The text of a file. @throws RingfenceError `invalid_argument` */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_argument', `${file}: ${messageOf(error)}`)
  }
}
