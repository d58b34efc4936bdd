import { CATEGORIES } from '../../audit/entry.ts'
import { carelessVerify } from '../../strikes/careless-verify.ts'
import { signClientAssertion } from '../../tokens/client-assertion.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { TIME_LIMITS } from '../../usage/judge-events.ts'
import type { UsageStore } from '../../usage/usage-store.ts'
import { claimsOf } from '../duel.ts'
import {
  AUDIENCE,
  CLINIC_CLIENT,
  GATEWAY,
  type Ground,
  LAB_CLIENT,
  VENDING,
} from '../house/ground.ts'
import type { Pieces } from '../house/pieces.ts'
import { inFrontOfIntake } from './in-front.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const DAY_MS = 86_400_000

/** Reads an assertion in its own way, and where it believes it, the plane does. */
function believing(
  verify: (assertion: string, own: SigningKey, ground: Ground) => unknown,
  only = /./,
): Pick<Pieces, 'intake'> {
  return inFrontOfIntake((request, { ground }, pass) => {
    const assertion = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
    return (async () => {
      try {
        const client = String(claimsOf(assertion)['iss'])
        const found = clientsOf(ground).find(([name]) => name === client)
        if (found === undefined || !only.test(request.url)) return await pass(request)
        verify(assertion, found[1], ground)
        const headers = new Headers(request.headers)
        const fresh = await signClientAssertion(found[1], found[0], AUDIENCE)
        headers.set('authorization', `Bearer ${fresh}`)
        return await pass(new Request(request, { headers }))
      } catch {
        return pass(request)
      }
    })()
  })
}

const clientsOf = ({ keys }: Ground) =>
  [
    [GATEWAY, keys.gateway],
    [VENDING, keys.vending],
    [CLINIC_CLIENT, keys.clinic],
    [LAB_CLIENT, keys.lab],
  ] as const

const rulesOf = (assertion: string, audience = AUDIENCE) => ({
  typ: 'client-authentication+jwt',
  issuer: String(claimsOf(assertion)['iss']),
  audience,
  secondsMax: 60,
})

function counting(worse: (sound: UsageStore) => Partial<UsageStore>): Pick<Pieces, 'usage'> {
  return { usage: (sound) => inPlaceOf(sound, worse(sound)) }
}

/** Knows events by their ids alone. */
function knownById(sound: UsageStore): Partial<UsageStore> {
  const known = new Set<string>()
  return {
    async add(events) {
      const fresh = events.filter(({ event }) => !known.has(event.id))
      for (const { event } of events) known.add(event.id)
      if (fresh.length > 0) await sound.add(fresh)
      return events.map(() => 'accepted')
    },
  }
}

/** What takes journals and usage with less care. */
export const WORSE_INTAKE: readonly RecordsMutant[] = [
  mutant(
    'rc-assertion-unverified',
    'Who sends is read from an assertion, and not verified',
    ['rc-journal-forged', 'rc-usage-stranger'],
    believing(() => undefined),
  ),
  mutant(
    'rc-assertion-any-audience',
    'An assertion for another plane is good here',
    ['rc-journal-forged', 'rc-usage-stranger'],
    believing((assertion, { publicJwk }) =>
      carelessVerify(assertion, [publicJwk], rulesOf(assertion), 'audience'),
    ),
  ),
  mutant(
    'rc-assertion-any-key',
    'Any plane’s key speaks for any plane',
    ['rc-journal-other-plane'],
    believing((assertion, _own, { keys }) =>
      carelessVerify(
        assertion,
        [keys.gateway.publicJwk, keys.vending.publicJwk],
        rulesOf(assertion),
      ),
    ),
  ),
  mutant(
    'rc-assertion-again',
    'Nobody remembers which assertions were used',
    ['rc-journal-replayed', 'rc-usage-replayed'],
    believing((assertion, { publicJwk }) =>
      carelessVerify(assertion, [publicJwk], rulesOf(assertion)),
    ),
  ),
  mutant(
    'rc-workloads-are-planes',
    'Whoever has a client may send a journal',
    ['rc-journal-workload'],
    {
      planes: (planes, { ground }) => [
        ...planes,
        ...[
          [CLINIC_CLIENT, ground.keys.clinic] as const,
          [LAB_CLIENT, ground.keys.lab] as const,
        ].map(([client, { publicJwk }]) => ({
          client,
          keys: new KeySet([publicJwk]),
          categories: CATEGORIES,
        })),
      ],
    },
  ),
  mutant(
    'rc-categories-unchecked',
    'A plane may enter whatever act it likes',
    ['rc-journal-categories'],
    { planes: (planes) => planes.map((plane) => ({ ...plane, categories: CATEGORIES })) },
  ),
  mutant(
    'rc-lines-mended',
    'Lines that are no entries are made some of',
    ['rc-journal-shape'],
    inFrontOfIntake((request, _site, pass) => {
      if (!request.url.endsWith('/v1/journal')) return undefined
      return (async () => {
        const text = (await request.text())
          .replaceAll('"kind":"own"', '"kind":"audit"')
          .replaceAll('"admin":true,', '')
          .replaceAll(',"admin":true', '')
        const { method, headers } = request
        const plain = new Headers(headers)
        plain.delete('content-length')
        return pass(new Request(request.url, { method, headers: plain, body: text }))
      })()
    }),
  ),
  mutant(
    'rc-senders-by-name',
    'How far a journal is complete is kept by the name that it gives itself',
    ['rc-journal-source'],
    counting((sound) => ({
      completeTo: (sender, time) => sound.completeTo(sender.replace(/^[^/]+\//, ''), time),
    })),
  ),
  mutant(
    'rc-complete-ahead',
    'A journal is complete a minute further than it says, for clocks that differ',
    ['rc-journal-source'],
    counting((sound) => ({
      completeTo: (sender, time) => sound.completeTo(sender, new Date(time.getTime() + 60_000)),
    })),
  ),
  mutant(
    'rc-events-renamed',
    'An event that comes again counts again',
    ['rc-journal-again'],
    counting((sound) => ({
      add: (events) =>
        sound.add(
          events.map((one) => ({
            ...one,
            event: { ...one.event, id: `${one.event.id}-${crypto.randomUUID()}` },
          })),
        ),
    })),
  ),
  mutant(
    'rc-events-by-id',
    'An event is known by its id, without its source',
    ['rc-usage-id'],
    counting(knownById),
  ),
  mutant('rc-times-open', 'An event may be of any time', ['rc-usage-time'], {
    times: { ...TIME_LIMITS, pastMs: 400 * DAY_MS, futureMs: 400 * DAY_MS },
  }),
]
