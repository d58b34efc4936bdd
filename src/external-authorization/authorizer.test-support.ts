import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  AUDIENCE,
  ChangingSource,
  contextKey,
  tenantConfig,
  tokenOf,
} from '../gateway/door.test-support.ts'
import { gateway } from '../gateway/gateway.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import { samplePlatform } from '../snapshot/sample.test-support.ts'
import { type Heard, Wire } from '../strikes/wire.ts'
import { openAuthorizer } from './authorizer.ts'

export const SECRET = 'a-secret-of-the-tests-0123456789ab'

export type Field = readonly [string, string]

/** An authorizer, asked as nginx asks, with fields in the place of its own and besides. */
export async function openSite(t: TestContext, remembered = false) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-authorizer-'))
  const source = new ChangingSource({ ...samplePlatform, audience: AUDIENCE }, [
    tenantConfig('acme'),
    tenantConfig('globex'),
  ])
  const door = gateway({
    source,
    revocations: new MemoryRevocations(),
    contextKey,
    log: () => undefined,
  })
  const left = new Set<string>()
  const listening = await openAuthorizer({
    // A test leaves out some of them.
    decide: (question) =>
      door.decide({ ...question, also: question.also.filter((one) => !left.has(one.name)) }),
    listen: { socket: join(directory, 'authorizer') },
    secret: SECRET,
    remembered,
  })
  t.after(async () => {
    await listening.close()
    door.close()
    await rm(directory, { recursive: true, force: true })
  })
  const wire = new Wire()
  return {
    source,
    leaveOut: (name: string) => void left.add(name),
    /** As Envoy asks over plain HTTP: with the method and the path of the request. */
    askAsEnvoy: (
      line: { readonly method?: string; readonly target: string },
      fields: readonly Field[],
    ): Promise<Heard> =>
      wire.ask({ path: join(directory, 'authorizer') }, { ...line, headers: fields }),
    ask: (
      change: Readonly<Record<string, string>>,
      more: readonly Field[] = [],
    ): Promise<Heard> => {
      const fields = { ...QUESTION, ...change }
      return wire.ask(
        { path: join(directory, 'authorizer') },
        {
          target: '/nginx',
          headers: [...Object.entries(fields).filter(([, value]) => value !== ''), ...more],
        },
      )
    },
  }
}

/** What nginx says of an ordinary request. */
export const QUESTION: Readonly<Record<string, string>> = {
  host: 'authorizer',
  'ringfence-proxy-secret': SECRET,
  'ringfence-original-method': 'GET',
  'ringfence-original-uri': '/t/acme/clinic/x?a=1',
  'ringfence-original-host': 'api.example',
  'ringfence-original-scheme': 'http',
  'ringfence-original-address': '192.0.2.7',
  'ringfence-original-request-id': '0'.repeat(32),
}
export const bearer = (tenant = 'acme'): Field => ['authorization', `Bearer ${tokenOf(tenant)}`]
export const answerOf = ({ headers }: Heard, name: string) =>
  headers.find(([one]) => one === name)?.[1]
