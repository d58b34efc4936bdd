import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { until } from '../../src/core/until.test-support.ts'
import { AccessLogReader } from '../../src/external-authorization/access-log-reader.ts'
import { UsageSeal } from '../../src/external-authorization/usage-seal.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { delegated, GRANT, grantOf } from '../../src/gateway/grant-attacks.test-support.ts'
import { readLine } from '../../src/journal/journal-line.ts'
import { pagesOf } from '../../src/journal/pages.ts'
import { type UsageEvent, usageEventSchema } from '../../src/usage/usage-event.ts'
import type { Heard } from '../../src/strikes/wire.ts'
import { SECRET } from './proxy-front.ts'
import type { Asked, ProxySite } from './proxy-site.ts'

const FIXTURE = join(import.meta.dirname, 'access-log-reader.fixture.ts')
const KILLS = 8
const ROUND = 40

/** A site whose proxy writes that log. */
export type OpenMetered = (t: TestContext, accessLog: string) => Promise<ProxySite>

const idOf = ({ headers }: Heard) => headers.find(([name]) => name === 'x-request-id')?.[1] ?? ''
const fieldsOf = ({ tenantid, subject, data }: UsageEvent) => [
  ...[tenantid, subject, data['api'], data['upstream'], data['client'], data['method']],
  ...[data['status'], data['request_bytes'], data['response_bytes'], data['cut']],
]

/** Makes tests of what is metered of requests that a proxy carries. */
export function meteredOn(proxy: string, open: OpenMetered): void {
  const opened = async (t: TestContext) => {
    const directory = mkdtempSync(join(tmpdir(), 'rf-metered-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    const file = join(directory, 'usage.log')
    return { directory, file, site: await open(t, file) }
  }

  describe(`what is metered of requests that ${proxy} carries`, () => {
    test('each that was let through, with whose it is, its bytes and its status, whatever its caller says', async (t) => {
      const { directory, file, site } = await opened(t)
      const events: UsageEvent[] = []
      const told: string[] = []
      const reader = await AccessLogReader.open({
        ...{ proxy: 'p', file, everyMs: 20, seal: new UsageSeal(SECRET) },
        directory: join(directory, 'reader'),
        source: '/ringfence/gateway/proxies/p',
        sink: { write: async (batch) => void events.push(...batch) },
        log: (line) => told.push(line),
      })
      t.after(() => reader.close())
      const chunked = ['Transfer-Encoding', 'chunked'] as const
      const forged = [
        ['Ringfence-Usage', new UsageSeal(SECRET).seal({ tenantid: 'globex' as never, data: {} })],
        ['X-Request-Id', 'f'.repeat(32)],
        ['X-Envoy-Original-Path', '"}\\n{"'],
        ['User-Agent', '"},{"usage":"x'],
      ] as const
      const [acme, globex] = ['acme', 'globex'].map((name) => tokenOf(name))
      const expected = new Map<string, unknown[]>()
      const sent: readonly [Asked, unknown[]][] = [
        [{ target: '/t/acme/clinic/facts' }, ['acme', 'GET', '2xx', 0, 5]],
        [{ target: '/t/globex/clinic/facts' }, ['globex', 'GET', '2xx', 0, 5]],
        [{ target: '/t/acme/clinic/facts', headers: forged }, ['acme', 'GET', '2xx', 0, 5]],
        [{ target: '/t/acme/clinic/facts?a="}', method: 'HEAD' }, ['acme', 'HEAD', '2xx', 0, 0]],
        [{ target: '/t/acme/clinic/large' }, ['acme', 'GET', '2xx', 0, 300_000]],
        [
          { target: '/t/acme/clinic/nothing', method: 'POST', body: 'x'.repeat(1_234) },
          ['acme', 'POST', '2xx', 1_234, 0],
        ],
        [
          {
            target: '/t/acme/clinic/nothing',
            method: 'POST',
            headers: [chunked],
            body: '5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n',
          },
          ['acme', 'POST', '2xx', 8, 0],
        ],
      ]
      for (const [asked, [tenant, ...rest]] of sent) {
        const heard = await site.ask({ ...asked, token: (tenant === 'acme' ? acme : globex) ?? '' })
        const what = [tenant, 'ann', 'clinic', 'clinic', 'web', ...rest, undefined]
        expected.set(idOf(heard), what)
      }
      // What is refused uses nothing.
      await site.ask({ target: '/t/acme/clinic/x' })
      await site.ask({ target: '/t/acme/clinic/x', token: globex ?? '', headers: forged })
      await site.ask({ target: '/t/acme/nowhere', token: acme ?? '' })
      // What a service breaks off is used.
      await site.ask({ target: '/t/acme/clinic/cut', token: acme ?? '' }).catch(() => undefined)
      await until(() => events.length === expected.size + 1)
      await reader.close()
      for (const event of events) {
        assert.deepEqual(usageEventSchema.parse(event), event)
        const want = expected.get(event.id)
        if (want !== undefined) assert.deepEqual(fieldsOf(event), want)
        else assert.equal(event.data['cut'], true)
      }
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
      assert.deepEqual(told, [])
      // The same in the gateway's own log, which asks nothing of the proxy's.
      const used = site.lines.filter((line) => line.includes('"used":true'))
      const logged = used.map((line) => (JSON.parse(line) as { request_id: string }).request_id)
      assert.ok(logged.every((id) => events.some((event) => event.id === id)))
    })

    test('under a grant it is the side that pays', async (t) => {
      const { directory, file, site } = await opened(t)
      site.source.change('acme', { grants: [grantOf({ bills: 'grantee' })] })
      const heard = await site.ask({ target: '/t/acme/clinic/patients/7', token: delegated() })
      assert.equal(heard.status, 200)
      const events: UsageEvent[] = []
      const reader = await AccessLogReader.open({
        ...{ proxy: 'p', file, everyMs: 20, seal: new UsageSeal(SECRET) },
        directory: join(directory, 'reader'),
        source: '/ringfence/gateway/proxies/p',
        sink: { write: async (batch) => void events.push(...batch) },
        log: () => undefined,
      })
      await until(() => events.length === 1)
      await reader.close()
      assert.equal(events[0]?.tenantid, 'globex')
      assert.equal(events[0]?.tenantcontextid, 'acme')
      assert.equal(events[0]?.grantid, GRANT)
    })

    for (const [rotated, rotate] of [
      ['renamed', byRename],
      ['copied and emptied', byCopy],
    ] as const) {
      test(`each once, whenever who reads it is killed and the log is ${rotated}`, async (t) => {
        const { directory, file, site } = await opened(t)
        const journal = join(directory, 'journal')
        const token = tokenOf('acme')
        const ids: string[] = []
        let child: ChildProcess | undefined
        t.after(() => child?.kill('SIGKILL'))
        const kill = async (one: ChildProcess) => {
          one.kill('SIGKILL')
          await once(one, 'exit')
        }
        for (let round = 0; round < KILLS; round += 1) {
          child = await begin(file, journal)
          for (let n = 0; n < ROUND; n += 1) {
            ids.push(idOf(await site.ask({ target: '/t/acme/clinic/facts', token })))
            if (n === (round * 7) % ROUND) await kill(child)
          }
          if (round % 2 === 1) {
            await writtenOut(file, ids)
            await rotate(file, site)
          }
        }
        child = await begin(file, journal)
        await until(async () => (await eventsIn(journal)).size >= ids.length)
        await kill(child)
        const events = await eventsIn(journal)
        assert.deepEqual([...events.keys()].toSorted(), ids.toSorted())
        // What came twice said the same.
        for (const said of events.values()) assert.equal(said.size, 1)
      })
    }
  })
}

async function begin(file: string, journal: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [FIXTURE, file, journal, 'p'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

/** Each event's texts, by its id. */
async function eventsIn(journal: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const events = new Map<string, Set<string>>()
  for (const { path } of await pagesOf(journal)) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const read = readLine(line)
      if (read?.kind !== 'usage') continue
      const event = usageEventSchema.parse(read.value)
      const said = events.get(event.id) ?? new Set()
      events.set(event.id, said.add(JSON.stringify(event)))
    }
  }
  return events
}

/** Waits until the proxy has written the last of its requests. */
async function writtenOut(file: string, ids: readonly string[]): Promise<void> {
  await until(() => readFileSync(file, 'utf8').includes(ids.at(-1) ?? ''))
}

let rotations = 0

async function byRename(file: string, site: ProxySite): Promise<void> {
  rotations += 1
  renameSync(file, `${file}.${rotations}`)
  site.front.reopenLogs()
  await until(() => existsSync(file))
}

/** Between the copy and the end of the old one nothing is written here: that would be lost. */
async function byCopy(file: string): Promise<void> {
  rotations += 1
  copyFileSync(file, `${file}.${rotations}`)
  truncateSync(file)
  await until(() => statSync(file).size === 0)
}
