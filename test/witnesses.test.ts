import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Hono } from 'hono'
import { z } from 'zod'
import { runCommandLine } from '../src/cli/program.ts'
import {
  type ControlSite,
  fillCatalogue,
  startControlSite,
  until,
} from '../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../src/control/open-control-plane.ts'
import { parseServiceName } from '../src/core/names.ts'
import { type Listening, listen } from '../src/http/listen.ts'
import { checkOpenApi } from '../src/openapi/check-document.ts'
import { FileAnchor } from '../src/records/log/file-anchor.ts'
import { KeyEncryptionKeys } from '../src/records/log/key-encryption.ts'
import { INTAKE_DOCUMENT, TENANTS_DOCUMENT } from '../src/records/records-apps.ts'
import { openRecords, type Records, type RecordsOptions } from '../src/records/open-records.ts'
import { cosigner, newSeed } from '../src/transparency/note-signer.ts'
import { parseVerifierKey } from '../src/transparency/verifier-key.ts'

const HERE = { host: '127.0.0.1', port: 0 } as const
const ENVIRONMENT = { TOKEN: 'guard' }

let site: ControlSite
let plane: OpenControlPlane
/** Knows one operator. */
let control: Listening
const closing: (() => Promise<unknown>)[] = []

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
  const app = new Hono()
  app.get('/v1/caller', (context) => {
    const isGuard = context.req.header('authorization') === 'Bearer guard'
    return isGuard
      ? context.json({ name: 'guard', scopes: ['security:write'] })
      : context.json({}, 401)
  })
  control = await listen(app.fetch, HERE)
})
after(async () => {
  for (const one of closing.reverse()) await one()
  await control?.close()
  await site?.stop()
})

/** A records plane on the site's database, and where planes and operators reach it. */
async function opened(origin: string, more: Partial<RecordsOptions>) {
  const records: Records = await openRecords({
    database: site.settings.rf_records,
    source: {
      current() {
        throw new Error('there is none yet')
      },
      onChange: () => undefined,
    },
    revocations: { known: true, revokes: () => false, find: () => undefined, onNews: () => {} },
    ...{ service: parseServiceName('ringfence-records'), audience: 'urn:records', planes: [] },
    ...{ keys: KEYS, origin, control: control.url, sinks: [] },
    issuer: { id: 'platform', name: 'Platform', address: [], prefix: '' },
    ...{ promises: undefined, telemetry: undefined, log: () => undefined },
    ...more,
  })
  const intake = await listen(records.intake.fetch, HERE)
  const close = async () => {
    await intake.close()
    await records.close()
  }
  return { records, url: intake.url, close }
}
const [OLDER, NEWER] = [randomBytes(32), randomBytes(32)] as const
const KEYS = new KeyEncryptionKeys([OLDER])

async function run(...args: readonly string[]) {
  let [out, err] = ['', '']
  const code = await runCommandLine(['audit', ...args, '--token', 'env:TOKEN'], {
    out: (text) => (out += text),
    err: (text) => (err += text),
    ...{ isTty: false, width: 100, environment: ENVIRONMENT },
  })
  return { code, out, err }
}

const logsSchema = z.array(
  z.object({
    log: z.string(),
    size: z.int(),
    keys: z.array(z.string()),
    anchored: z.boolean(),
    witnessed_size: z.int().optional(),
  }),
)

/** The platform's own log, as operators are told of it. */
async function platformLog(url: string) {
  const { code, out, err } = await run('logs', '--records', url, '-o', 'json')
  assert.equal(code, 0, err)
  return logsSchema.parse(JSON.parse(out)).find(({ log }) => log === 'platform')
}

test('a log is cosigned by a witness and kept by an anchor, and whoever verifies can ask for the witness', async () => {
  const first = await opened('audit.example', {})
  await until(async () => ((await platformLog(first.url))?.keys.length ?? 0) > 0)
  const { keys: [key = ''] = [] } = (await platformLog(first.url)) ?? {}
  await first.close()

  const signer = cosigner('witness.example/w1', newSeed(), () => Date.now() / 1_000)
  const logs = new Map([['audit.example/platform', [parseVerifierKey(key)]]])
  let witness: Records['witness']
  const door = await listen(
    async (request) => (await witness?.(request)) ?? new Response('', { status: 503 }),
    HERE,
  )
  closing.push(() => door.close())
  const said: string[] = []
  const anchor = join(site.directory, 'anchor')
  const { records, url, close } = await opened('audit.example', {
    ...{ keys: new KeyEncryptionKeys([NEWER, OLDER]), log: (line: string) => said.push(line) },
    ...{ witness: { signer, logs }, anchors: [new FileAnchor(anchor)] },
    ...{ witnesses: [{ url: `${door.url}/w1`, key: signer.key }], witnessEveryMs: 50 },
  })
  closing.push(close)
  witness = records.witness
  assert.equal(await (await fetch(`${door.url}/w1/key`)).text(), `${signer.key.text}\n`)

  await until(async () => {
    const { size = 0, witnessed_size = -1, anchored } = (await platformLog(url)) ?? {}
    return witnessed_size === size && anchored === true
  })
  // By then the older key is not needed: who opens them next has the newer one alone.
  await until(() => said.some((line) => /^[1-9]\d* keys of logs are wrapped anew$/.test(line)))
  const log = `${url}/v1/logs/platform`
  const trusted = ['--key', key, '--witness', signer.key.text]
  const verified = await run('verify', log, ...trusted)
  assert.equal(verified.code, 0, verified.out + verified.err)
  assert.match(verified.out, /cosigned {4}witness\.example\/w1\+/)

  // The newest checkpoint that the witness knows is older than the newest: it is the one that is given.
  witness = undefined
  const size = (await platformLog(url))?.size ?? 0
  await fillCatalogue(plane)
  await until(async () => ((await platformLog(url))?.size ?? 0) > size)
  const again = await run('verify', log, ...trusted)
  assert.equal(again.code, 0, again.out + again.err)

  // Nobody else's cosignature passes for it.
  const other = cosigner('witness.example/w1', newSeed(), () => 1).key.text
  const strange = await run('verify', log, '--key', key, '--witness', other)
  assert.equal(strange.code, 1, strange.out)
  const [file = ''] = readdirSync(anchor)
  assert.equal(decodeURIComponent(file), 'audit.example/platform.checkpoints')
  assert.match(
    readFileSync(join(anchor, file), 'utf8'),
    /"checkpoint":"audit\.example\/platform\\n/,
  )
})

test('the names of logs are told to operators of security alone', async () => {
  const { url, close } = await opened('audit.example', { keys: new KeyEncryptionKeys([NEWER]) })
  closing.push(close)
  for (const token of ['', 'Bearer other']) {
    const answer = await fetch(`${url}/v1/logs`, { headers: { authorization: token } })
    assert.equal(answer.status, 401)
    assert.ok(!(await answer.text()).includes('platform'))
  }
  // It signs with what the newer key has wrapped.
  const size = (await platformLog(url))?.size ?? 0
  await fillCatalogue(plane)
  await until(async () => ((await platformLog(url))?.size ?? 0) > size)
})

interface Documented {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly operationId: string; readonly security: [] }>>
    >
  >
}

test('each route of the plane is in the document of its API, and nothing that there is not', async () => {
  const { records, close } = await opened('audit.example', { version: '1.2.3' })
  closing.push(close)
  for (const [app, path] of [
    [records.tenants, TENANTS_DOCUMENT],
    [records.intake, INTAKE_DOCUMENT],
  ] as const) {
    const text = await (await app.request(path)).text()
    checkOpenApi(text)
    const document: Documented = JSON.parse(text)
    assert.equal(document.openapi, '3.1.0')
    assert.ok(text.includes('"version":"1.2.3"'))
    const said = Object.entries(document.paths).flatMap(([at, methods]) =>
      Object.entries(methods).map(([method, one]) => ({ at, method: method.toUpperCase(), one })),
    )
    const routed = app.routes
      .filter(({ method, path: at }) => method !== 'ALL' && at !== path)
      .map(({ method, path: at }) => {
        const shown = at.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}')
        return `${method} ${shown}`
      })
    assert.deepEqual(
      [...new Set(routed)].toSorted(),
      said.map(({ at, method }) => `${method} ${at}`).toSorted(),
    )
    // What is said to be for somebody answers nobody else.
    for (const { at, method, one } of said.filter(({ one: { security } }) => security.length > 0)) {
      const target = at.replaceAll(/\{\w+\}/g, 'x')
      const answer = await app.request(target, { method })
      const isRefused = answer.status >= 400 && answer.status !== 404
      assert.ok(isRefused, `${one.operationId}: ${answer.status}`)
    }
    const ids = said.map(({ one }) => one.operationId)
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index)
    assert.deepEqual(twice, [])
  }
})
