import type { ApiConfig } from '../../contracts/contract.ts'
import { type GuardrailConfig, guardrailSchema } from '../../contracts/guardrail.ts'
import { parseApiName, parseUpstreamName } from '../../core/names.ts'
import { CLINIC } from './ground.ts'

/** Of bodies at the API `ward`, in bytes. */
export const GUARDED_BYTES_MAX = 2_000
/** What nobody may send to the API `ward`, nor hear from it. */
export const SECRET_NUMBER = '078-05-1121'

/** What a tenant itself forbids to be sent. */
export const ownWordOf = (tenant: string) => `${tenant} internals`

/** The document of the API `forms`. */
export const FORMS = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'forms', version: '1' },
  paths: {
    '/records/{mark}': {
      parameters: [{ name: 'mark', in: 'path', required: true, schema: { type: 'string' } }],
      get: {},
      post: {
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                additionalProperties: false,
                properties: {
                  text: { type: 'string', maxLength: 100 },
                  tenant: { type: 'string', readOnly: true },
                },
              },
            },
          },
        },
      },
    },
    '/records/mine': { get: {} },
  },
})

/** APIs over which there are guardrails, of bodies both ways and of requests alone, and one with a document. */
export const GUARDED_APIS: readonly ApiConfig[] = [
  apiOf('ward', {}),
  apiOf('talk', { upgrades: true }),
  apiOf('forms', { openapi: FORMS }),
]

function apiOf(name: string, more: Partial<ApiConfig>): ApiConfig {
  return {
    name: parseApiName(name),
    prefix: `/${name}`,
    upstream: { of: 'platform', name: parseUpstreamName(CLINIC) },
    ...more,
  }
}

const over = (api: string, direction: string, rules: readonly unknown[]): GuardrailConfig =>
  guardrailSchema.parse({ name: api, apis: [api], direction, rules })

/** The platform's. */
export const GUARDRAILS: readonly GuardrailConfig[] = [
  over('ward', 'both', [
    { kind: 'pii', find: ['ssn'], action: 'block' },
    { kind: 'size', bytes: GUARDED_BYTES_MAX },
    {
      kind: 'content-types',
      allow: ['application/*', 'text/event-stream'],
    },
  ]),
  over('talk', 'request', [{ kind: 'pii', find: ['ssn'], action: 'block' }]),
]

/** A tenant's own, of the same name: it would only count, and it has a word of its own. */
export function ownGuardrails(tenant: string): GuardrailConfig[] {
  const topics = [{ name: 'own', words: [ownWordOf(tenant)] }]
  return [
    over('ward', 'both', [
      { kind: 'pii', find: ['ssn'], action: 'flag' },
      { kind: 'size', bytes: GUARDED_BYTES_MAX * 10 },
      { kind: 'topics', topics, action: 'block' },
    ]),
  ]
}
