import { Ajv2020 } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import type { Json } from './json.ts'
import { LinearPattern } from './linear-pattern.ts'
import type { Schema, SchemaBook } from './schema-book.ts'
import { spend } from './work.ts'

/** Says where a value is not what it should be, as `/name`; undefined when it is. */
export type Validator = (value: unknown) => string | undefined

/** Formats that are held, and take time in proportion to the text. Others are only remarks. */
const TEXTS = [
  'date',
  'time',
  'date-time',
  'uuid',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
] as const
const NUMBERS = ['int32', 'int64', 'float', 'double'] as const
/** Longer texts are of no such format. */
const FORMATTED_MAX = 2_000

/** Compiles the schemas of one document. */
export class SchemaCompiler {
  readonly #book: SchemaBook
  readonly #ajv: Ajv2020

  constructor(book: SchemaBook) {
    this.#book = book
    this.#ajv = new Ajv2020({
      strict: false,
      // They were written by the book; the meta schema would take longer than what it checks.
      validateSchema: false,
      meta: false,
      addUsedSchema: false,
      // Else what a document refers to a thousand times would be compiled a thousand times.
      inlineRefs: false,
      ownProperties: true,
      messages: false,
      logger: false,
      code: { regExp: linear },
    })
    this.#ajv.removeKeyword('uniqueItems')
    this.#ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', validate: areUnique })
    this.#ajv.addKeyword({ keyword: 'work', before: '$ref', errors: false, validate: counted })
    for (const name of TEXTS) this.#ajv.addFormat(name, bounded(name))
    for (const name of NUMBERS) this.#ajv.addFormat(name, fullFormats[name])
    this.#ajv.addFormat('byte', /^[A-Za-z0-9+/]*={0,2}$/)
  }

  compile(schema: Schema): Validator {
    const whole =
      typeof schema === 'boolean' ? schema : { ...schema, $defs: this.#book.definitions(schema) }
    const validate = this.#ajv.compile(whole)
    return (value) => {
      if (validate(value)) return undefined
      return validate.errors?.[0]?.instancePath ?? ''
    }
  }
}

function counted(steps: number): boolean {
  spend(steps)
  return true
}

/** As the library asks for an engine: it would print the second half into code for other programs. */
const linear = Object.assign((source: string) => new LinearPattern(source), { code: 'none' })

function bounded(name: (typeof TEXTS)[number]) {
  const format = fullFormats[name]
  const test = testOf(format)
  return (text: string) => text.length <= FORMATTED_MAX && test(text)
}

function testOf(format: unknown): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text)
  if (typeof format === 'function') return (text) => format(text) === true
  const { validate } = format as { readonly validate: unknown }
  return testOf(validate)
}

/** In one pass, where the library would compare each with each. */
function areUnique(wanted: boolean, items: readonly Json[]): boolean {
  if (!wanted) return true
  spend(items.length)
  return new Set(items.map(canonical)).size === items.length
}

function canonical(value: Json): string {
  return JSON.stringify(value, (_key, one: Json) => {
    if (typeof one !== 'object' || one === null) return one
    if (Array.isArray(one)) return ['list', ...(one as readonly Json[])]
    return ['object', ...Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))]
  })
}
