import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { AwsClient } from 'aws4fetch'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { sinkSite } from './sink-site.ts'

const SERVER = process.env['RINGFENCE_TEST_S3'] ?? 'versitygw'
const REGION = 'eu-west-1'
const BUCKET = 'their-logs'
const KEYS = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'the/secret+key=of a bucket' }

/** An S3 server of a test's own with an empty bucket. */
async function startS3(t: TestContext) {
  const directory = scratch(t)
  const [objects, sidecar] = [join(directory, 'objects'), join(directory, 'sidecar')]
  for (const one of [objects, sidecar]) mkdirSync(one)
  const port = await freePort('127.0.0.1')
  const endpoint = `http://127.0.0.1:${port}`
  const client = new AwsClient({ ...KEYS, region: REGION, service: 's3', retries: 0 })
  let child: ChildProcess | undefined
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const start = async () => {
    const keys = ['--access', KEYS.accessKeyId, '--secret', KEYS.secretAccessKey]
    const where = ['--port', `127.0.0.1:${port}`, '--region', REGION]
    const files = ['posix', '--sidecar', sidecar, objects]
    child = spawn(SERVER, ['--quiet', ...keys, ...where, ...files], { stdio: 'ignore' })
    await until(async () => (await fetch(endpoint).catch(() => undefined)) !== undefined)
  }
  t.after(kill)
  await start()
  assert.equal((await client.fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' })).status, 200)
  return {
    endpoint,
    kill,
    start,
    /** The names of all objects, in S3's order. */
    async names(): Promise<readonly string[]> {
      const answer = await client.fetch(`${endpoint}/${BUCKET}?list-type=2`)
      return [...(await answer.text()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(
        ([, name]) => name ?? '',
      )
    },
    async lines(name: string): Promise<readonly unknown[]> {
      const answer = await client.fetch(`${endpoint}/${BUCKET}/${name}`)
      assert.equal(answer.status, 200)
      const text = await answer.text()
      return text
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line))
    },
  }
}

const sinkOf = (endpoint: string, more: object = {}) => ({
  ...{ kind: 's3', endpoint, region: REGION, bucket: BUCKET, prefix: 'audit/' },
  ...KEYS,
  ...more,
})

test('a log is in a bucket whole and in order, although the server is killed on the way', async (t) => {
  const s3 = await startS3(t)
  const site = await sinkSite(t)
  await site.grow(1_500)
  await s3.kill()
  assert.equal(await site.set('archive', sinkOf(s3.endpoint)), 200)
  await until(async () => (await site.state('archive')).attempts > 0)
  await s3.start()
  await until(async () => (await site.state('archive')).position === 1_500)
  await s3.kill()
  await site.grow(10)
  await s3.start()
  await until(async () => (await site.state('archive')).position === 1_510)
  const names = await s3.names()
  assert.ok(names.every((name) => name.startsWith('audit/tenant/acme/')))
  const got: unknown[] = []
  for (const name of names) got.push(...(await s3.lines(name)))
  assert.deepEqual(got, await site.entries())
})

test('what is sent in OCSF is there so', async (t) => {
  const s3 = await startS3(t)
  const site = await sinkSite(t)
  await site.grow(3)
  assert.equal(await site.set('archive', sinkOf(s3.endpoint, { format: 'ocsf' })), 200)
  await until(async () => (await site.state('archive')).position === 3)
  const [name = ''] = await s3.names()
  const lines = (await s3.lines(name)) as readonly { readonly class_uid: number }[]
  assert.deepEqual(
    lines.map(({ class_uid }) => class_uid),
    [6003, 6003, 6003],
  )
})

test('a wrong key, and a bucket that there is not, are refused and said so; with the right ones it goes on', async (t) => {
  const s3 = await startS3(t)
  const site = await sinkSite(t)
  await site.grow(2)
  for (const [wrong, status] of [
    [{ secretAccessKey: 'another-secret' }, 403],
    [{ bucket: 'not-there' }, 404],
  ] as const) {
    assert.equal(await site.set('archive', sinkOf(s3.endpoint, wrong)), 200)
    await until(
      async () => (await site.state('archive')).last_error === `the receiver answered ${status}`,
    )
    assert.deepEqual(await s3.names(), [])
  }
  assert.equal(await site.set('archive', sinkOf(s3.endpoint)), 200)
  await until(async () => (await site.state('archive')).position === 2)
  assert.equal((await s3.names()).length, 1)
})
