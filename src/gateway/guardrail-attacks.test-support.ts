import { gzipSync } from 'node:zlib'
import type { ApiConfig } from '../contracts/contract.ts'
import { type GuardrailConfig, guardrailSchema } from '../contracts/guardrail.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Door, tokenOf, until } from './door.test-support.ts'
import { openSocket } from './upgrade.test-support.ts'

export const guardrail = (
  rules: readonly unknown[],
  change: Readonly<Record<string, unknown>> = {},
): GuardrailConfig => guardrailSchema.parse({ name: 'all', direction: 'both', rules, ...change })

const pii = (action: string) => ({ kind: 'pii', find: ['ssn', 'card'], action })
const SSN = '123-45-6789'
/** How it looks once it got through, whole or without what is between its digits. */
const SEEN = /123\D{0,8}45\D{0,8}6789|4111111111111111|\\u0031/

/** The platform's guardrails, and what a tenant does about them. */
function under(
  { source }: Door,
  platform: readonly GuardrailConfig[],
  own: readonly GuardrailConfig[] = [],
  api: Partial<ApiConfig> = {},
): void {
  source.platform({ guardrails: [...platform] })
  source.change('acme', {
    guardrails: [...own],
    contract: {
      name: parseContractName('all'),
      apis: [
        {
          name: parseApiName('clinic'),
          prefix: '/clinic',
          upstream: { of: 'platform', name: parseUpstreamName('clinic') },
          ...api,
        },
      ],
    },
  })
}

interface Sending {
  readonly path?: string
  readonly type?: string
  readonly headers?: readonly string[]
  readonly chunks: readonly (string | Buffer)[]
}

/** Sends a body in pieces, each by itself. Resolves with the answer's text once there is one. */
async function send(door: Door, { path = 'x', type, headers = [], chunks }: Sending) {
  const head = [
    `POST /t/acme/clinic/${path} HTTP/1.1`,
    'Host: api.example',
    `Authorization: Bearer ${tokenOf('acme')}`,
    `Content-Type: ${type ?? 'application/json'}`,
    ...headers,
    'Transfer-Encoding: chunked',
    'Connection: close',
  ].join('\r\n')
  const framed = chunks
    .map((one) => Buffer.from(one))
    .map((one) => `${one.length.toString(16)}\r\n${one.toString('latin1')}\r\n`)
  return door.raw(Buffer.from(`${head}\r\n\r\n${framed.join('')}0\r\n\r\n`, 'latin1'))
}

/** A body that a service must not see as it is. */
function body(
  against: string,
  title: string,
  sending: Sending,
  prepare: (door: Door) => void = (door) => under(door, [guardrail([pii('redact')])]),
  got: (door: Door) => boolean = ({ upstream }) =>
    upstream.seen.some(({ body }) => SEEN.test(body)),
): GatewayAttack {
  return {
    title,
    against,
    async run(door) {
      prepare(door)
      await send(door, sending)
      await until(() => door.lines.length > 0)
      return got(door)
    },
  }
}

const anything = ({ upstream }: Door) => upstream.seen.some(({ body }) => body !== '')
const json = (text: string): Sending => ({ chunks: [text] })
const say = (text: string, type = 'application/json') =>
  `say?${String(new URLSearchParams({ body: text, type }))}`

/** An answer that a caller must not see as it is. */
function answer(
  against: string,
  title: string,
  path: string,
  headers: readonly string[] = [],
  rule: unknown = pii('redact'),
  seen: RegExp = SEEN,
): GatewayAttack {
  return {
    title,
    against,
    async run(door) {
      under(door, [guardrail([rule], { direction: 'response' })])
      const asked = { path: `/t/acme/clinic/${path}`, token: tokenOf('acme'), headers }
      // Cut off is refused as well.
      const reply = await door.ask(asked).catch(() => ({ body: '' }))
      return seen.test(reply.body)
    },
  }
}

const described = (paths: object) =>
  JSON.stringify({ openapi: '3.1.0', info: { title: 'clinic', version: '1' }, paths })
const DOCUMENT = described({
  '/notes': {
    post: {
      requestBody: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              additionalProperties: false,
              properties: { text: { type: 'string' }, tenant: { type: 'string', readOnly: true } },
            },
          },
        },
      },
    },
  },
  '/notes/{id}': { get: { parameters: [{ name: 'id', in: 'path', schema: { type: 'integer' } }] } },
  '/notes/mine': {},
})
export const underDocument = (door: Door, openapi: string = DOCUMENT) =>
  under(door, [], [], { openapi })

/** A request that is not one of those that the document of its API describes. */
function undescribed(title: string, target: string, method = 'GET'): GatewayAttack {
  return {
    title,
    against: 'operation',
    async run(door) {
      underDocument(door)
      await door.ask({ method, path: `/t/acme/clinic/${target}`, token: tokenOf('acme') })
      return door.upstream.seen.length > 0
    },
  }
}

const OPENAPI: readonly GatewayAttack[] = [
  undescribed('a path that is not described', 'admin'),
  undescribed('a method that is not described', 'notes/1', 'DELETE'),
  undescribed('a parameter that is not described', 'notes/1?admin=true'),
  undescribed('a parameter of another type', 'notes/x'),
  undescribed('another spelling of a path that another operation has', 'notes/MINE'),
  ...['{"admin":true}', '{"tenant":"globex"}', '{"text":"a","text":"b"}', '{"text":1}', '{'].map(
    (text) =>
      body(
        'body-of-the-operation',
        `a body that is not as it is described: ${text}`,
        { path: 'notes', chunks: [text] },
        underDocument,
        anything,
      ),
  ),
  body(
    'body-of-the-operation',
    'a body of a type that is not described',
    { path: 'notes', type: 'text/xml', chunks: ['<a/>'] },
    underDocument,
    anything,
  ),
  body(
    'body-of-the-operation',
    'a body that is not as it is described, coded',
    { path: 'notes', headers: ['Content-Encoding: gzip'], chunks: [gzipSync('{"admin":true}')] },
    underDocument,
    anything,
  ),
]

const CONTENT: readonly GatewayAttack[] = [
  body('request-content', 'personal data in a string', json(`{"note":"${SSN}"}`)),
  body('request-content', 'personal data in a number', json('{"card":4111111111111111}')),
  body('request-content', 'personal data in a key', json(`{"${SSN}":1}`)),
  body(
    'request-content',
    'personal data in escapes',
    json('{"n":"\\u0031\\u0032\\u0033-45-6789"}'),
  ),
  body('request-content', 'personal data in JSON in JSON', json(`{"n":"{\\"a\\":\\"${SSN}\\"}"}`)),
  body('request-content', 'personal data in two pieces', { chunks: ['{"n":"123-4', '5-6789"}'] }),
  body('request-content', 'personal data in single bytes', {
    chunks: Array.from(`{"n":"${SSN}"}`),
  }),
  body('request-content', 'a second body behind the first', json(`{}{"n":"${SSN}"}`)),
  body('request-content', 'a key twice', json(`{"n":"x","n":"${SSN}"}`)),
  body('request-content', 'personal data in a form', {
    type: 'application/x-www-form-urlencoded',
    chunks: ['note=123%2d45-67%389'],
  }),
  body('request-content', 'personal data that says to be a picture', {
    type: 'image/png',
    chunks: [`{"n":"${SSN}"}`],
  }),
  body('request-content', 'personal data in another charset', {
    type: 'application/json; charset=utf-16',
    chunks: [`{"n":"${SSN}"}`],
  }),
  body(
    'request-content',
    'personal data under a coding',
    { headers: ['Content-Encoding: gzip'], chunks: [gzipSync(`{"n":"${SSN}"}`)] },
    undefined,
    // Without it, it is without the number as well.
    ({ upstream }) => upstream.seen.some(({ headers }) => 'content-encoding' in headers),
  ),
]

const REQUESTS: readonly GatewayAttack[] = [
  body(
    'request-content',
    "a tenant's guardrail of the same name that only counts",
    json(`{"n":"${SSN}"}`),
    (door) => under(door, [guardrail([pii('block')])], [guardrail([pii('flag')])]),
  ),
  body(
    'request-content',
    "a tenant's guardrail that says that it is for no API",
    json(`{"n":"${SSN}"}`),
    (door) => under(door, [guardrail([pii('block')])], [guardrail([pii('block')], { apis: [] })]),
  ),
  {
    title: 'a topic in other letters',
    against: 'request-content',
    async run(door) {
      const topics = {
        kind: 'topics',
        topics: [{ name: 'weapons', words: ['atom bomb'] }],
        action: 'block',
      }
      under(door, [guardrail([topics])])
      await send(door, json('{"q":"build an \\u0430tom  B\\u00d6MB"}'))
      await until(() => door.lines.length > 0)
      return anything(door)
    },
  },
  body(
    'request-size',
    'more than a guardrail lets pass',
    { chunks: ['"12345', '6"'] },
    (door) => under(door, [guardrail([{ kind: 'size', bytes: 5 }])]),
    ({ upstream }) => upstream.seen.some(({ body }) => body.includes('6')),
  ),
  body(
    'request-type',
    'a type that a guardrail does not have',
    { type: 'text/html', chunks: ['<p>'] },
    (door) => under(door, [guardrail([{ kind: 'content-types', allow: ['application/json'] }])]),
    anything,
  ),
  body(
    'one-content-type',
    'two content types, of which two readers take one each',
    {
      type: 'text/csv',
      headers: ['Content-Type: application/json'],
      chunks: ['{"n":4.111111111111111e15}'],
    },
    undefined,
    anything,
  ),
  {
    title: 'a connection in which nobody looks',
    against: 'guardrails-see-all',
    async run(door) {
      under(door, [guardrail([pii('redact')], { direction: 'request' })], [], { upgrades: true })
      const asked = { path: '/t/acme/clinic/x', token: tokenOf('acme') }
      const { socket } = await openSocket(door.port, asked)
      socket.terminate()
      return door.upstream.seen.length > 0
    },
  },
]

const ANSWERS: readonly GatewayAttack[] = [
  answer('answer-content', 'personal data in an answer', say(`{"n":"${SSN}"}`)),
  answer(
    'answer-content',
    'personal data in an event',
    say(`data: ${SSN}\n\n`, 'text/event-stream'),
  ),
  answer(
    'answer-content',
    'personal data in lines',
    say(`{"n":"${SSN}"}\n`, 'application/x-ndjson'),
  ),
  answer('answer-content', 'personal data in an answer of no known type', say(SSN, 'x/y')),
  answer('answer-content', 'personal data in a part of an answer', say(`{"n":"${SSN}"}`), [
    'range',
    'bytes=0-100',
  ]),
  answer(
    'answer-type',
    'an answer of a type that a guardrail does not have',
    say('<p>', 'text/html'),
    [],
    { kind: 'content-types', allow: ['application/json'] },
    /<p>/,
  ),
  answer(
    'answer-size',
    'an answer that is larger than a guardrail lets it be',
    say('"1234567"'),
    [],
    { kind: 'size', bytes: 5 },
    /7/,
  ),
]

export const GUARDRAIL_ATTACKS: readonly GatewayAttack[] = [
  ...OPENAPI,
  ...CONTENT,
  ...REQUESTS,
  ...ANSWERS,
]
