import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'

/** The import rule of ARCHITECTURE.md: which folders of src/ a folder may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  tokens: ['core'],
  http: ['core'],
  administration: ['core'],
  contracts: ['core'],
  upstreams: ['core', 'contracts', 'snapshot'],
  manifests: ['core', 'contracts', 'http', 'tokens', 'snapshot'],
  openapi: ['core'],
  mcp: ['core', 'contracts', 'openapi', 'guardrails'],
  guardrails: ['core', 'contracts', 'snapshot'],
  feed: ['core'],
  snapshot: ['core', 'feed', 'contracts', 'tokens'],
  policy: ['core', 'contracts', 'openapi', 'tokens', 'snapshot', 'http', 'revocation'],
  revocation: ['core', 'feed', 'snapshot'],
  limits: ['core', 'contracts', 'snapshot', 'redis'],
  redis: ['core'],
  journal: ['core'],
  transparency: ['core'],
  audit: ['core', 'http', 'tokens', 'journal'],
  usage: ['core', 'http', 'tokens', 'journal'],
  alerts: ['core', 'http', 'upstreams'],
  telemetry: ['core', 'http', 'alerts'],
  metering: ['core', 'database', 'contracts', 'http', 'tokens', 'usage', 'audit'],
  billing: [
    'core',
    'database',
    'contracts',
    'http',
    'tokens',
    'usage',
    'audit',
    'metering',
    'alerts',
  ],
  behaviour: ['core', 'database', 'contracts', 'http', 'audit', 'usage', 'alerts'],
  records: [
    'core',
    'database',
    'contracts',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'journal',
    'transparency',
    'audit',
    'usage',
    'alerts',
    'telemetry',
    'metering',
    'billing',
    'behaviour',
    'upstreams',
  ],
  clusters: ['core'],
  database: ['core'],
  supervisor: ['core'],
  boundaries: ['core', 'clusters'],
  cells: ['core', 'http', 'boundaries'],
  control: [
    'core',
    'database',
    'administration',
    'contracts',
    'manifests',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'boundaries',
    'audit',
    'telemetry',
  ],
  identity: [
    'core',
    'database',
    'administration',
    'contracts',
    'http',
    'tokens',
    'revocation',
    'redis',
    'audit',
    'telemetry',
  ],
  edge: ['core', 'http', 'snapshot'],
  gateway: [
    'core',
    'edge',
    'contracts',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'policy',
    'limits',
    'guardrails',
    'openapi',
    'upstreams',
    'mcp',
    'journal',
    'audit',
    'usage',
    'telemetry',
  ],
  'external-authorization': [
    'core',
    'edge',
    'contracts',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'limits',
    'guardrails',
    'gateway',
    'usage',
    'strikes',
  ],
  vending: [
    'core',
    'contracts',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'boundaries',
    'journal',
    'audit',
    'usage',
    'telemetry',
  ],
  sdk: ['core', 'http', 'tokens', 'journal', 'usage', 'telemetry'],
  strikes: ['core', 'tokens', 'boundaries'],
  'front-door': [
    'upstreams',
    'guardrails',
    'edge',
    'external-authorization',
    'policy',
    'limits',
    'contracts',
    'core',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'boundaries',
    'gateway',
    'vending',
    'sdk',
    'strikes',
    'mcp',
    'telemetry',
  ],
  'back-office': [
    'core',
    'administration',
    'contracts',
    'manifests',
    'http',
    'tokens',
    'snapshot',
    'clusters',
    'boundaries',
    'control',
    // Policies are judged when they are declared.
    'policy',
    'strikes',
  ],
  'realm-proof': [
    'core',
    'contracts',
    'http',
    'tokens',
    'clusters',
    'boundaries',
    // Makes the control database, and the identity plane's role in it.
    'control',
    'identity',
    'strikes',
  ],
  'records-proof': [
    'core',
    'contracts',
    'http',
    'tokens',
    'snapshot',
    'revocation',
    'clusters',
    'boundaries',
    // Makes the control database, and the records plane's role in it.
    'control',
    'journal',
    'transparency',
    'audit',
    'upstreams',
    'usage',
    'alerts',
    'metering',
    'billing',
    'behaviour',
    'records',
    'strikes',
  ],
  proof: ['core', 'boundaries'],
  platform: [
    'limits',
    'core',
    'edge',
    'administration',
    'contracts',
    'manifests',
    'policy',
    'openapi',
    'upstreams',
    'tokens',
    'http',
    'snapshot',
    'revocation',
    'clusters',
    'supervisor',
    'boundaries',
    'cells',
    'control',
    'identity',
    'external-authorization',
    'gateway',
    'vending',
    'journal',
    'transparency',
    'audit',
    'usage',
    'telemetry',
    'alerts',
    'metering',
    'billing',
    'behaviour',
    'records',
    'front-door',
    'back-office',
    'realm-proof',
    'records-proof',
    'proof',
  ],
  cli: [
    'transparency',
    'audit',
    'records',
    'telemetry',
    'metering',
    'billing',
    'behaviour',
    'core',
    'edge',
    'policy',
    'administration',
    'contracts',
    'manifests',
    'http',
    'control',
    'sdk',
    'boundaries',
    'proof',
    'supervisor',
    'platform',
  ],
}

/** Client libraries that only these folders may import. */
const CLIENTS: Readonly<Record<string, RegExp>> = {
  pg: /^src\/(clusters|database|feed|control|identity|revocation|snapshot|sdk|boundaries\/postgres|audit|records|metering|billing|behaviour)\//,
  'pg-copy-streams': /^src\/metering\//,
  'pg-cursor': /^src\/boundaries\/postgres\//,
  ioredis: /^src\/(identity\/sessions|limits)\/redis\//,
  '@nats-io/transport-node': /^src\/(revocation|metering)\//,
  '@nats-io/jetstream': /^src\/metering\//,
}

/** Tests start real servers, whichever folder they are in. */
const TESTS = /\.test(?:-support)?\.ts$/
const TESTS_MAY_IMPORT = ['clusters']

const IMPORT = /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/gm
const ROOT_FILES = new Set(['main.ts', 'index.ts'])
/** Inside boundaries/, only these may reach into an engine's folder. */
const REGISTRY = 'src/boundaries/registry.ts'

const area = (file: string) => relative('src', file).split(sep)[0] ?? ''
const engine = (file: string) => /^src\/boundaries\/(?!conformance\/)([^/]+)\//.exec(file)?.[1]

const files = globSync('src/**/*.ts')

test('the source has files to check', () => assert.ok(files.length > 10))

for (const file of files.filter((file) => !ROOT_FILES.has(area(file)))) {
  test(`${file} imports only what its folder may`, () => {
    const from = area(file)
    const allowed = MAY_IMPORT[from]?.concat(TESTS.test(file) ? TESTS_MAY_IMPORT : [])
    assert.ok(allowed, `src/${from}/ is not in the layout`)
    for (const match of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? ''
      if (!specifier.startsWith('.')) {
        const client = CLIENTS[specifier]
        assert.ok(
          !client || client.test(file),
          `${file}: ${specifier} belongs to its engine's folder`,
        )
        continue
      }
      const target = relative('.', resolve(dirname(file), specifier))
      const to = area(target)
      assert.ok(
        to === from || allowed.includes(to),
        `${file} → ${target}: src/${from}/ may not import src/${to}/`,
      )
      const engineOfTarget = engine(target)
      if (engineOfTarget !== undefined && engine(file) !== engineOfTarget) {
        assert.equal(file, REGISTRY, `${file} → ${target}: only the registry knows the engines`)
      }
    }
  })
}
