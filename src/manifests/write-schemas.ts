import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedSchemas } from './json-schemas.ts'

/** Run by hand after a change of a kind: a test holds the published files to the code. */
const directory = new URL('../../docs/schemas/', import.meta.url).pathname
mkdirSync(directory, { recursive: true })
for (const [file, text] of publishedSchemas()) writeFileSync(join(directory, file), text)
