import { z } from 'zod'
import { parseCurrency } from '../contracts/currency.ts'
import {
  parseApiName,
  parseContractName,
  parseGuardrailName,
  parseMeterName,
  parsePlanName,
  parseStoreName,
  parseUpstreamName,
} from '../core/names.ts'
import { parserOf } from '../core/parsed.ts'
import { parseCellName, parseRegion, parseTenantId, parseTier, TIERS } from '../core/tenant.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { isFileable } from './from-file.ts'
import { KIND_NAMES, MANIFEST_KINDS, type ManifestKind } from './kinds.ts'
import { MANIFEST_SCHEMAS } from './manifest.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const BASE = 'https://ringfence.dev/schemas/v1'

const LABEL = {
  type: 'string',
  pattern: '^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$',
  description: '1 to 40 characters of a-z, 0-9 and single hyphens inside, a letter first',
}

/** What our own parsers take, in JSON Schema's words. */
const FORMS = new Map<unknown, object>([
  ...[
    parseTenantId,
    parseRegion,
    parseCellName,
    parseApiName,
    parseContractName,
    parseGuardrailName,
    parseMeterName,
    parsePlanName,
    parseStoreName,
    parseUpstreamName,
  ].map((parser): [unknown, object] => [parser, LABEL]),
  [parseTier, { type: 'string', enum: [...TIERS] }],
  [parseCurrency, { type: 'string', pattern: '^[A-Z]{3}$', description: 'ISO 4217: EUR' }],
])

const PUBLIC_JWK: z.core.JSONSchema.BaseSchema = {
  type: 'object',
  properties: {
    kty: { enum: ['EC', 'OKP'] },
    kid: { type: 'string', minLength: 1, maxLength: 200 },
    alg: { enum: ['ES256', 'EdDSA'] },
  },
  required: ['kty', 'kid', 'alg'],
  not: { required: ['d'] },
}

const FILE = {
  type: 'object',
  properties: {
    file: { type: 'string', minLength: 1, description: 'a file beside the manifest' },
  },
  required: ['file'],
  additionalProperties: false,
}

/** A schema that files are checked against before anybody is asked: JSON Schema 2020-12. */
export function jsonSchemaOf(kind: ManifestKind): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(MANIFEST_SCHEMAS[kind], {
    io: 'input',
    unrepresentable: ({ zodSchema }) => {
      const schema: unknown = zodSchema
      if (schema === publicJwkSchema) return PUBLIC_JWK
      throw new TypeError('a part of a manifest has no form in JSON Schema')
    },
    override: ({ zodSchema, jsonSchema }) => {
      const parser = parserOf(zodSchema)
      const form = FORMS.get(parser)
      if (parser !== undefined && form === undefined) {
        throw new TypeError('a parser of manifests has no form in JSON Schema')
      }
      if (form !== undefined) Object.assign(jsonSchema, form)
      if (!isFileable(zodSchema)) return
      const itself = { ...jsonSchema }
      for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name)
      const inline = itself.type === 'string' && kind === 'Contract' ? [{ type: 'object' }] : []
      Object.assign(jsonSchema, { anyOf: [itself, FILE, ...inline] })
    },
  })
  return { $schema: DIALECT, $id: `${BASE}/${KIND_NAMES[kind]}.json`, title: kind, ...schema }
}

/** One schema for every kind: what an editor is pointed to. */
export function jsonSchemaOfAll(): Record<string, unknown> {
  return {
    $schema: DIALECT,
    $id: `${BASE}/manifest.json`,
    title: 'Manifest',
    oneOf: MANIFEST_KINDS.map((kind) => ({ $ref: `${KIND_NAMES[kind]}.json` })),
  }
}

/** Every published file and what it holds. */
export function publishedSchemas(): ReadonlyMap<string, string> {
  const files = MANIFEST_KINDS.map((kind): [string, string] => [
    `${KIND_NAMES[kind]}.json`,
    textOf(jsonSchemaOf(kind)),
  ])
  return new Map([...files, ['manifest.json', textOf(jsonSchemaOfAll())]])
}

function textOf(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}
