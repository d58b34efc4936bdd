import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiDescription, type Asked } from './api-description.ts'
import { checkOpenApi } from './check-document.ts'

interface Change {
  readonly openapi?: string
  readonly paths?: object
  readonly components?: object
}

const documentOf = (change: Change) =>
  JSON.stringify({ openapi: '3.1.0', info: { title: 'pets', version: '1' }, ...change })
const describe = (change: Change) => new ApiDescription(documentOf(change))
const ask = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Asked => {
  const [path = '', query] = target.split('?')
  return {
    method,
    path,
    query: query === undefined ? '' : `?${query}`,
    header: (name) => (headers[name] === undefined ? [] : [headers[name]]),
  }
}

const PETS = {
  paths: {
    '/pets': {
      get: {
        operationId: 'listPets',
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100 } },
          { name: 'tag', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          {
            name: 'sort',
            in: 'query',
            explode: false,
            schema: { type: 'array', items: { type: 'integer' } },
          },
        ],
      },
      post: {
        operationId: 'addPet',
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/Pet' } },
            'application/x-www-form-urlencoded': { schema: { $ref: '#/components/schemas/Pet' } },
            'image/*': {},
          },
        },
      },
    },
    '/pets/{id}': {
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 10 } },
      ],
      get: {
        operationId: 'getPet',
        parameters: [{ name: 'X-Trace', in: 'header', required: true, schema: {} }],
      },
      delete: {},
    },
    '/pets/mine': { get: { operationId: 'myPet' } },
    '/files/{name}.csv': {
      get: {
        operationId: 'file',
        parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'integer' } }],
      },
    },
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        required: ['name'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[a-z]+$' },
          age: { type: 'integer' },
          tenant: { type: 'string', readOnly: true },
          friends: {
            type: 'array',
            uniqueItems: true,
            items: { $ref: '#/components/schemas/Pet' },
          },
        },
      },
    },
  },
}
const pets = describe(PETS)

test('a request is for the operation that the document describes', () => {
  const { operation, path, query } = pets.operationOf(
    ask('GET', '/pets?limit=5&tag=a&tag=b&sort=1,2'),
  )
  assert.equal(operation.id, 'listPets')
  assert.deepEqual({ ...query }, { limit: 5, tag: ['a', 'b'], sort: [1, 2] })
  assert.deepEqual({ ...path }, {})
  const one = pets.operationOf(ask('GET', '/pets/a%20b', { 'x-trace': '1' }))
  assert.equal(one.operation.id, 'getPet')
  assert.deepEqual({ ...one.path }, { id: 'a b' })
  assert.equal(pets.operationOf(ask('GET', '/pets/mine')).operation.id, 'myPet')
  assert.deepEqual({ ...pets.operationOf(ask('GET', '/files/7.csv')).path }, { name: 7 })
  assert.equal(pets.operationOf(ask('DELETE', '/pets/1')).operation.id, 'DELETE /pets/{id}')
  assert.equal(pets.operationOf(ask('HEAD', '/pets')).operation.id, 'listPets')
})

test('what is not described is not there', () => {
  for (const [method, target] of [
    ['GET', '/'],
    ['GET', '/pet'],
    ['GET', '/pets/'],
    ['GET', '/pets/1/2'],
    ['PUT', '/pets'],
    ['OPTIONS', '/pets'],
    ['HEAD', '/nothing'],
    ['GET', '/files/.csv'],
  ] as const) {
    assert.throws(() => pets.operationOf(ask(method, target)), { code: 'not_found' }, target)
  }
})

test('another spelling of a path is not the operation that stands for any name', () => {
  const headers = { 'x-trace': '1' }
  for (const target of [
    '/pets/MINE',
    '/pets/mInE',
    '/pets/mine;x=1',
    '/pets/%6dine%3bx',
    '/pets/a%2fb',
    '/pets/%ff',
    '/pets/a%5cb',
  ]) {
    assert.throws(
      () => pets.operationOf(ask('GET', target, headers)),
      { code: 'not_found' },
      target,
    )
  }
  assert.equal(pets.operationOf(ask('GET', '/pets/%6dine')).operation.id, 'myPet')
})

test('parameters that are not as they must be are refused, without their values', () => {
  for (const target of [
    '/pets?limit=0',
    '/pets?limit=101',
    '/pets?limit=1e9999',
    '/pets?limit=0x1',
    '/pets?limit=',
    '/pets?limit=1&limit=2',
    '/pets?%6cimit=1&limit=2',
    '/pets?sort=1,x',
    '/pets?admin=1',
    '/pets?limit[]=1',
    '/pets?limit=1;admin=1',
    '/pets?limit=%zz',
    '/pets/12345678901',
    '/files/x.csv',
  ]) {
    const asked = ask('GET', target, { 'x-trace': '1' })
    assert.throws(
      () => pets.operationOf(asked),
      { code: 'invalid_argument', message: /^the (?:parameter [a-z]+ is not|query )/ },
      target,
    )
  }
  assert.throws(() => pets.operationOf(ask('GET', '/pets/1')), /x-trace is missing/)
})

const body = (() => {
  const found = pets.operations.find(({ id }) => id === 'addPet')?.body
  if (found === undefined) throw new Error('no body')
  return found
})()

test('a body is as the schema says, or it is refused', () => {
  const json = 'application/json'
  body.check(json, '{"name":"rex","age":3,"friends":[{"name":"ada"},{"name":"bo"}]}')
  body.check('application/x-www-form-urlencoded', 'name=rex&age=3')
  assert.equal(body.reading('image/png'), 'opaque')
  assert.equal(body.reading('text/plain'), undefined)
  for (const [type, text] of [
    [json, '{}'],
    [json, '{"name":"Rex"}'],
    [json, '{"name":"rex","admin":true}'],
    [json, '{"name":"rex","name":"ada"}'],
    [json, '{"name":"rex","n\\u0061me":"ada"}'],
    [json, '{"name":"rex","tenant":"globex"}'],
    [json, '{"name":"rex","__proto__":{"admin":true}}'],
    [json, '{"name":"rex","friends":[{"name":"ada"},{"name":"ada"}]}'],
    [json, '{"name":"rex"'],
    [json, `${'['.repeat(100)}${']'.repeat(100)}`],
    ['application/x-www-form-urlencoded', 'name=rex&name=ada'],
    ['application/x-www-form-urlencoded', 'name=rex&age=x'],
    ['application/x-www-form-urlencoded', 'name=rex&admin=1'],
  ] as const) {
    assert.throws(() => body.check(type, text), { code: 'invalid_argument' }, text)
  }
})

test('schemas of 3.0 keep what they mean there', () => {
  const api = describe({
    openapi: '3.0.3',
    paths: {
      '/': {
        post: {
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: {
                    // A property that is called as a keyword is.
                    nullable: { type: 'string', nullable: true },
                    n: { type: 'number', minimum: 1, exclusiveMinimum: true },
                    r: { $ref: '#/components/schemas/S', maxLength: 1 },
                  },
                },
              },
            },
          },
        },
      },
    },
    components: { schemas: { S: { type: 'string' } } },
  })
  const check = (text: string) => api.operations[0]?.body?.check('application/json', text)
  check('{"nullable":null,"n":1.5,"r":"long"}')
  assert.throws(() => check('{"n":1}'))
  assert.throws(() => check('{"r":null}'))
})

test('a document that would be fetched, guessed at or run is refused when it is written', () => {
  const schema = (value: object): Change => ({
    paths: {
      '/': { post: { requestBody: { content: { 'application/json': { schema: value } } } } },
    },
  })
  for (const change of [
    { openapi: '2.0' },
    schema({ $ref: 'https://evil.example/schema.json' }),
    schema({ $ref: 'file:///etc/passwd' }),
    schema({ $ref: './other.json' }),
    schema({ $ref: '#/components/schemas/None' }),
    schema({ $ref: '#/__proto__/x' }),
    schema({ $id: 'https://evil.example/', $ref: '#/paths' }),
    schema({ $dynamicRef: '#x' }),
    schema({ type: 'text' }),
    schema({ pattern: '(?=x)' }),
    schema({ properties: [] }),
    schema({ required: [1] }),
    schema({ multipleOf: 0 }),
    { paths: { '/{a}': {}, '/{b}': {} } },
    { paths: { '/{a}-{b}': {} } },
    { paths: { '/a': { get: { operationId: 'x' } }, '/b': { get: { operationId: 'x' } } } },
    {
      paths: {
        '/': { get: { parameters: [{ name: 'q', in: 'query', style: 'deepObject', schema: {} }] } },
      },
    },
    { paths: { '/': { $ref: '#/paths/~1' } } },
  ]) {
    assert.throws(
      () => checkOpenApi(documentOf(change)),
      { code: 'invalid_manifest' },
      JSON.stringify(change),
    )
  }
  assert.throws(() => checkOpenApi('{"openapi":"3.1.0","openapi":"3.1.0"}'), {
    code: 'invalid_manifest',
  })
})

test('schemas that grow when they are followed cost a bounded time', () => {
  const chain: Record<string, object> = { s40: { type: 'string' } }
  for (let n = 0; n < 40; n += 1) {
    const next = { $ref: `#/components/schemas/s${n + 1}` }
    chain[`s${n}`] = {
      anyOf: [{ allOf: [next, { minLength: 2 }] }, { allOf: [next, { minLength: 3 }] }],
    }
  }
  const twice = { $ref: '#/components/schemas/loop' }
  for (const [schemas, first, text] of [
    [chain, 's0', '"x"'],
    [
      {
        loop: {
          anyOf: [{ properties: { a: twice, b: false } }, { properties: { a: twice, c: false } }],
        },
      },
      'loop',
      `${'{"b":1,"c":1,"a":'.repeat(60)}1${'}'.repeat(60)}`,
    ],
    [{ self: { $ref: '#/components/schemas/self' } }, 'self', '1'],
    [
      { all: { items: { allOf: Array.from({ length: 1_000 }, (_, n) => ({ minimum: -n })) } } },
      'all',
      JSON.stringify(Array(20_000).fill(1)),
    ],
    [
      { all: { uniqueItems: true } },
      'all',
      JSON.stringify(Array.from({ length: 5_000 }, (_, n) => ({ n })).concat({ n: 1 })),
    ],
  ] as const) {
    const api = describe({
      paths: {
        '/': {
          post: {
            requestBody: {
              content: {
                'application/json': { schema: { $ref: `#/components/schemas/${first}` } },
              },
            },
          },
        },
      },
      components: { schemas },
    })
    assert.throws(
      () => api.operations[0]?.body?.check('application/json', text),
      { code: /too_large|invalid_argument/ },
      first,
    )
  }
})

test('formats do not take longer than the text is long', () => {
  for (const format of ['email', 'uri', 'hostname', 'ipv6', 'date-time', 'byte', 'uuid', 'time']) {
    const api = describe({
      paths: {
        '/': {
          post: {
            requestBody: {
              content: { 'application/json': { schema: { type: 'string', format } } },
            },
          },
        },
      },
    })
    for (const unit of ['a', 'a.', 'a-', '1:', '%61', 'a@', '//', '0']) {
      const text = JSON.stringify(`${unit.repeat(200_000)}\u0001`)
      assert.throws(
        () => api.operations[0]?.body?.check('application/json', text),
        { code: 'invalid_argument' },
        format,
      )
      const short = JSON.stringify(`${unit.repeat(900 / unit.length)}\u0001`)
      assert.throws(
        () => api.operations[0]?.body?.check('application/json', short),
        { code: 'invalid_argument' },
        format,
      )
    }
  }
})

test('a schema stands by itself for those who show it', () => {
  const schema = body.contents[0]?.schema
  assert.ok(schema !== undefined)
  const shown = pets.standalone(schema)
  assert.ok(typeof shown === 'object' && '$defs' in shown)
  assert.match(JSON.stringify(shown), /"name"/)
})
