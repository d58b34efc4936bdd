import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { eventually, type TrialPlatform } from './trial-platform.test-support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const ADDRESS = 'ops@acme.example'
const sinkSchema = z.looseObject({ unconfirmed: z.array(z.string()).optional() })

/**
 * A tenant says where its alerts go, and its log: to an address once whoever reads its mail has told the
 * code, and never to what the platform itself serves.
 */
export async function setsSinks(trial: TrialPlatform): Promise<void> {
  const token = await trial.token('acme', ['tenant-admin'])
  const put = (path: string, body: object) =>
    trial.ask('acme', `/ringfence/${path}`, token, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify(body),
    })
  const hook = (url: string) => ({ sink: { kind: 'webhook', url, secrets: [SECRET] } })
  const stream = (url: string) => ({ sink: { kind: 'webhook', url, secret: SECRET } })
  assert.equal((await put('alerts/sinks/hook', hook('https://hooks.example.com/x'))).status, 200)
  assert.equal((await put('audit/sinks/hook', stream('https://hooks.example.com/x'))).status, 200)
  for (const url of ['https://globex.trial.example/x', 'https://GLOBEX.trial.example.:8443/x']) {
    assert.equal((await put('alerts/sinks/hook', hook(url))).status, 400, url)
    assert.equal((await put('audit/sinks/hook', stream(url))).status, 400, url)
  }

  const made = await put('alerts/sinks/mail', { sink: { kind: 'mail', to: [ADDRESS] } })
  assert.deepEqual(sinkSchema.parse(await made.json()).unconfirmed, [ADDRESS])
  const confirmation = { address: ADDRESS, code: await codeFor(trial) }
  const told = await put('alerts/sinks/mail/confirmation', confirmation)
  assert.deepEqual(sinkSchema.parse(await told.json()).unconfirmed, [])
}

/** What a platform that puts its mails into files has mailed there. */
async function codeFor({ state }: TrialPlatform): Promise<string> {
  const directory = join(state, 'mail')
  let code = ''
  await eventually(`a code for ${ADDRESS}`, async () => {
    const mails = readdirSync(directory)
      .filter((name) => name.endsWith('.eml'))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
    const mail = mails.find((text) => text.includes(`To: ${ADDRESS}`)) ?? ''
    code = /^ {2}([A-Z2-9]{10})\r?$/m.exec(mail)?.[1] ?? ''
    return code !== ''
  })
  return code
}
