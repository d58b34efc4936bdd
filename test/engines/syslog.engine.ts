import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { certificate } from './certificate.ts'
import { sinkSite } from './sink-site.ts'

const SERVER = process.env['RINGFENCE_TEST_RSYSLOG'] ?? 'rsyslogd'

/** What rsyslog understood of a message. */
interface Message {
  readonly pri: string
  readonly host: string
  readonly app: string
  readonly msgid: string
  readonly time: string
  readonly msg: string
}

/** An rsyslog of a test's own that takes syslog over TLS and writes down what it understood. */
async function startRsyslog(t: TestContext) {
  const directory = scratch(t)
  const port = await freePort('127.0.0.1')
  const { caFile, keyFile } = await certificate(directory, 'syslog')
  const [config, file] = [join(directory, 'rsyslog.conf'), join(directory, 'messages')]
  const properties = Object.entries({
    ...{ pri: 'pri', host: 'hostname', app: 'app-name', msgid: 'msgid' },
    ...{ time: 'timereported', msg: 'msg' },
  }).map(
    ([out, name]) =>
      `property(outname="${out}" name="${name}" format="jsonf"${
        out === 'time' ? ' dateFormat="rfc3339"' : ''
      })`,
  )
  const json = ['constant(value="{")', properties.join(' constant(value=",") ')]
  writeFileSync(
    config,
    `global(workDirectory="${directory}" maxMessageSize="64k" DefaultNetstreamDriver="gtls"
       DefaultNetstreamDriverCAFile="${caFile}" DefaultNetstreamDriverCertFile="${caFile}"
       DefaultNetstreamDriverKeyFile="${keyFile}")
     module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
     input(type="imtcp" address="127.0.0.1" port="${port}")
     template(name="json" type="list") { ${json.join(' ')} constant(value="}\\n") }
     action(type="omfile" file="${file}" template="json")\n`,
  )
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  const start = async () => {
    const pid = join(directory, `pid-${Math.random()}`)
    child = spawn(SERVER, ['-n', '-f', config, '-i', pid], { stdio: 'ignore' })
    await until(() => answers(port))
  }
  t.after(() => end('SIGKILL'))
  await start()
  return {
    sink: { kind: 'syslog', host: 'localhost', port, ca: readFileSync(caFile, 'utf8') },
    start,
    end,
    messages: (): readonly Message[] =>
      (existsSync(file) ? readFileSync(file, 'utf8') : '')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Message),
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

test('rsyslog takes a log over TLS, whole, in order, and understands every field of it', async (t) => {
  const rsyslog = await startRsyslog(t)
  const site = await sinkSite(t)
  await site.grow(600)
  assert.equal(await site.set('siem', rsyslog.sink), 200)
  await until(async () => (await site.state('siem')).position === 600)
  await until(() => rsyslog.messages().length >= 600)
  const [messages, entries] = [rsyslog.messages(), await site.entries()]
  assert.deepEqual(
    messages.map(({ msg }): unknown => JSON.parse(msg)),
    entries,
  )
  for (const [n, { pri, host, app, msgid, time }] of messages.entries()) {
    assert.deepEqual(
      [pri, host, app, msgid],
      [n % 2 === 0 ? '110' : '108', 'audit.example', 'ringfence', 'lease.granted'],
    )
    assert.equal(Date.parse(time), Date.parse(entries[n]?.entry?.time ?? ''))
  }
})

test('an rsyslog that was away gets all of it when it is back', async (t) => {
  const rsyslog = await startRsyslog(t)
  const site = await sinkSite(t)
  await site.grow(5)
  assert.equal(await site.set('siem', rsyslog.sink), 200)
  await until(() => rsyslog.messages().length === 5)
  await until(async () => (await site.state('siem')).position === 5)
  await rsyslog.end('SIGTERM')
  await site.grow(20)
  await until(async () => (await site.state('siem')).attempts > 0)
  await rsyslog.start()
  await until(async () => (await site.state('siem')).position === 25)
  await until(() => rsyslog.messages().length >= 25)
  const indices = rsyslog.messages().map(({ msg }) => (JSON.parse(msg) as { index: number }).index)
  // At least once: a batch that was under way when it ended may come again.
  assert.deepEqual(
    [...new Set(indices)],
    Array.from({ length: 25 }, (_, n) => n),
  )
})

test('nothing is sent to a server that somebody else vouches for', async (t) => {
  const rsyslog = await startRsyslog(t)
  const site = await sinkSite(t)
  await site.grow(1)
  const other = await certificate(scratch(t), 'other')
  const ca = readFileSync(other.caFile, 'utf8')
  assert.equal(await site.set('siem', { ...rsyslog.sink, ca }), 200)
  await until(async () => (await site.state('siem')).attempts > 1)
  assert.deepEqual(rsyslog.messages(), [])
  assert.equal((await site.state('siem')).position, 0)
})
