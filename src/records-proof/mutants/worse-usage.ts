import { UsedAssertions, verifyClientAssertion } from '../../tokens/client-assertion.ts'
import { CONTEXT_HEADER, type VerifiedContext, verifyContext } from '../../tokens/tenant-context.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { readCloudEvents } from '../../usage/cloud-events.ts'
import { judgeEvents } from '../../usage/judge-events.ts'
import { contextsOf, refusalFor, type Reporter, sourceOf } from '../../usage/reporter.ts'
import { type UsageEvent, usageEventSchema } from '../../usage/usage-event.ts'
import { AUDIENCE, CLINIC_CLIENT, LAB_CLIENT } from '../house/ground.ts'
import { sourceOf as configurationOf } from '../house/known.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'
import { inFrontOfIntake } from './in-front.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

/**
 * What a careless intake of usage leaves out, or believes.
 *
 * - `tenant`: any context will do, whoever's usage is reported.
 * - `contexts`: none is needed.
 * - `service`: a context for another service is as good.
 * - `signature`: a context is read, and not verified.
 * - `time`: a context is good for all times.
 * - `billed`: who pays is whose context it is, whatever the grant says.
 * - `source`: an event may come from whichever source it names.
 * - `source-begin`: one that begins like the service's own is its own.
 * - `target`: any event may be corrected and voided.
 */
export type Amiss =
  | 'tenant'
  | 'contexts'
  | 'service'
  | 'signature'
  | 'time'
  | 'billed'
  | 'source'
  | 'source-begin'
  | 'target'

/** An intake of services' usage as people write it by hand, with one thing amiss, or none. */
export function takingUsage(amiss?: Amiss): Pick<Pieces, 'intake'> {
  const used = new UsedAssertions()
  return inFrontOfIntake((request, site, pass) => {
    if (!request.url.endsWith('/v1/usage/events')) return undefined
    return take(request, site, used, amiss, () => Promise.resolve(pass(request)))
  })
}

async function take(
  request: Request,
  site: Site,
  used: UsedAssertions,
  amiss: Amiss | undefined,
  pass: () => Promise<Response>,
): Promise<Response> {
  const { headers } = request
  const assertion = headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
  const reporter = reporterOf(site, assertion)
  // Planes report in another way than services, and what is nobody's is refused as ever.
  if (reporter === undefined) return pass()
  try {
    await verifyClientAssertion(assertion, AUDIENCE, () => reporter.keys, used)
  } catch {
    return new Response(null, { status: 401 })
  }
  const contexts = await contextsIn(headers.get(CONTEXT_HEADER), reporter, site, amiss)
  const raw = await readCloudEvents(request)
  const events: UsageEvent[] = []
  for (const one of raw) {
    const { data } = usageEventSchema.safeParse(one)
    const [judged] = judgeEvents([one], { ...reporter, kind: 'plane' }, [], Date.now()).problems
    const isOfTime = judged === undefined || !judged.reason.startsWith('time')
    if (data === undefined || !isOfTime || refusal(data, reporter, contexts, amiss) !== undefined) {
      return new Response(null, { status: 400 })
    }
    events.push(data)
  }
  await site.metering.store.add(events.map((event) => ({ event, reporter: reporter.client })))
  return new Response(null, { status: 202 })
}

type Service = Extract<Reporter, { kind: 'service' }>

function reporterOf({ ground }: Site, assertion: string): Service | undefined {
  const { workloads } = configurationOf(ground).current().platform
  for (const { client, service, keys } of workloads) {
    const isIt = [CLINIC_CLIENT, LAB_CLIENT].some((one) => one === client)
    if (isIt && payloadOf(assertion).includes(`"iss":"${client}"`)) {
      return { kind: 'service', client, service, keys: new KeySet(keys) }
    }
  }
  return undefined
}

const payloadOf = (token: string) => Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()

async function contextsIn(
  header: string | null,
  reporter: Service,
  { ground }: Site,
  amiss: Amiss | undefined,
): Promise<readonly VerifiedContext[]> {
  const { contexts, jobs, stranger, clinic, gateway } = ground.keys
  const trusted = amiss === 'signature' ? [contexts, stranger, clinic, gateway] : [contexts]
  const keys = {
    request: new KeySet(trusted.map(({ publicJwk }) => publicJwk)),
    job: new KeySet([jobs.publicJwk]),
  }
  if (amiss !== 'service') return contextsOf(header ?? undefined, reporter, keys)
  const found: VerifiedContext[] = []
  for (const token of header?.split(',') ?? []) {
    const audience = /"aud":"([^"]+)"/.exec(payloadOf(token))?.[1] as typeof reporter.service
    const read = await verifyContext(token, keys, audience, 'issue').catch(() => undefined)
    if (read !== undefined) found.push(read)
  }
  return found
}

/** The sound judgement of an event in which the one thing is put right. */
function refusal(
  event: UsageEvent,
  reporter: Service,
  contexts: readonly VerifiedContext[],
  amiss: Amiss | undefined,
): string | undefined {
  const own = `${sourceOf(reporter)}/1`
  const judged = (change: Partial<UsageEvent>, by = contexts) =>
    refusalFor({ ...event, ...change }, reporter, by)
  switch (amiss) {
    case 'tenant':
      return contexts.some(({ tenant }) => judged({ tenantid: tenant }) === undefined)
        ? undefined
        : judged({})
    case 'contexts':
      return refusalFor(event, { ...reporter, kind: 'service' }, contexts)?.startsWith('tenantid')
        ? undefined
        : judged({})
    case 'time':
      return contexts.some(({ issuedAt }) => judged({ time: issuedAt.toISOString() }) === undefined)
        ? undefined
        : judged({})
    case 'billed':
      return judged(
        {},
        contexts.map(({ billed: _billed, delegation: _delegation, ...rest }) => rest),
      )
    case 'source':
      return judged({ source: own })
    case 'source-begin':
      return judged(event.source.startsWith(sourceOf(reporter)) ? { source: own } : {})
    case 'target':
      return judged({ corrects: undefined, voids: undefined })
    default:
      return judged({})
  }
}

/** What counts usage with less care. */
export const WORSE_USAGE: readonly RecordsMutant[] = [
  mutant(
    'rc-usage-any-tenant',
    'A service that has a context reports for any tenant',
    ['rc-usage-tenant'],
    takingUsage('tenant'),
  ),
  mutant(
    'rc-usage-no-context',
    'A service reports for whichever tenant it names',
    ['rc-usage-tenant', 'rc-usage-forged-context'],
    takingUsage('contexts'),
  ),
  mutant(
    'rc-usage-any-service',
    'A context for another service is as good',
    ['rc-usage-context'],
    takingUsage('service'),
  ),
  mutant(
    'rc-usage-any-key',
    'Whoever has a key signs contexts',
    ['rc-usage-forged-context'],
    takingUsage('signature'),
  ),
  mutant(
    'rc-usage-any-time',
    'A context is good for all times',
    ['rc-usage-outside-context'],
    takingUsage('time'),
  ),
  mutant(
    'rc-usage-billed-to-grantor',
    'Whose context it is pays, whatever the grant says',
    ['rc-usage-delegated'],
    takingUsage('billed'),
  ),
  mutant(
    'rc-usage-any-source',
    'The source of an event is not looked at',
    ['rc-usage-source'],
    takingUsage('source'),
  ),
  mutant(
    'rc-usage-source-begins',
    'A source is one’s own that begins with one’s name',
    ['rc-usage-source'],
    takingUsage('source-begin'),
  ),
  mutant(
    'rc-usage-any-target',
    'Any event may be corrected and taken back',
    ['rc-usage-amended'],
    takingUsage('target'),
  ),
  mutant(
    'rc-usage-below-zero',
    'Amounts are added up as they come, also below zero',
    ['rc-usage-numbers'],
    {
      readings: (sound, { admin }) =>
        inPlaceOf(sound, {
          async read(asked) {
            const found = await sound.read(asked)
            const [row] = await admin.query<{ below: string }>(
              `select coalesce(sum((data ->> 'amount')::numeric), 0)::bigint as below from usage.event
               where tenant = $1 and jsonb_typeof(data -> 'amount') = 'number'
                 and (data ->> 'amount')::numeric < 0`,
              [asked.tenant],
            )
            const below = BigInt(row?.below ?? 0) * 1_000_000n
            return found.map((one, at) =>
              at === 0 ? { ...one, quantity: one.quantity + below } : one,
            )
          },
        }),
    },
  ),
]
