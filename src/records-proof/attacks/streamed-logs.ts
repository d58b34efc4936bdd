import { setTimeout } from 'node:timers/promises'
import type { Outside } from '../../alerts/outside.ts'
import { logOf } from '../../audit/entry.ts'
import { makeStream } from '../../records/streams/open-streams.ts'
import { sinkInputSchema } from '../../records/streams/sink-settings.ts'
import { Sinks } from '../../records/streams/sinks.ts'
import { Streamer } from '../../records/streams/streamer.ts'
import type { Duel } from '../duel.ts'
import { OUTSIDE } from '../house/furnish-outside.ts'
import { ORIGIN } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { newWebhookSecret } from '../house/secrets.ts'
import { unseen } from '../house/unseen.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'

const read = attackOf('read')
const NAME = 'archive'
const LOOK_MS = 5
const LOOKS = 2_000

/** A network on which every place takes what it gets, and keeps it. */
function taking(): { readonly outside: Outside; readonly got: (place: string) => string } {
  const all = new Map<string, string>()
  return {
    got: (place) => all.get(place) ?? '',
    outside: {
      url: (text) => new URL(text),
      async send({ pathname }, { body = '' }) {
        all.set(pathname, (all.get(pathname) ?? '') + body)
        return { status: 204, headers: {}, text: '' }
      },
      connect: () => Promise.reject(new Error('nobody is there')),
    },
  }
}

/** Streams of both tenants' logs, of which nobody else in the database knows. */
async function streaming(duel: Duel) {
  const { site, pieces } = duel.plane
  const { database, end } = await unseen(site.settings)
  const { outside, got } = taking()
  const sinks = pieces.logSinks(new Sinks(database, site.keys), site)
  const streamer = new Streamer({
    sinks,
    store: pieces.logs(site.logs, site),
    streamOf: ({ settings, secrets }) => makeStream(settings, secrets, ORIGIN, outside),
    mayLeave: () => true,
    log: () => undefined,
    lookMs: LOOK_MS,
    idleMs: LOOK_MS,
  })
  duel.afterwards(async () => {
    await streamer.close()
    await end()
  })
  const place = ({ tenant }: Party) => `/log-of-${tenant}`
  return {
    /** Sets the sink, from the beginning of its log, and waits until something was sent. */
    sent: async (party: Party): Promise<string> => {
      const url = OUTSIDE + place(party)
      const sink = { kind: 'webhook', url, secret: newWebhookSecret() }
      const read = sinkInputSchema.parse({ sink }).sink
      await sinks.put(logOf(party.tenant), NAME, read, 0, undefined)
      for (let look = 0; look < LOOKS && got(place(party)) === ''; look += 1) {
        await setTimeout(LOOK_MS)
      }
      return got(place(party))
    },
    got: (party: Party) => got(place(party)),
  }
}

export const STREAMED_LOGS: readonly RecordsAttack[] = [
  read(
    'rc-stream-entries',
    'Have another tenant’s log sent to a sink of the same name',
    async (duel) => {
      const { attacker, victim } = duel
      const { sent, got } = await streaming(duel)
      const theirs = await sent(victim)
      must(theirs.includes(victim.entryCanary), 'have its log sent')
      return {
        owner: 'the owner’s sink got its log',
        attempt: async () => {
          const own = await sent(attacker)
          const others = duel.ground.parties.filter((one) => one !== attacker)
          const crossed = others.some(
            (one) => own.includes(one.entryCanary) || own.includes(`"${logOf(one.tenant)}"`),
          )
          const mixed = got(victim).includes(attacker.entryCanary)
          const met = `${own.length} characters of ${crossed ? 'another log' : 'its own log'}`
          return { crossed: crossed || mixed, met }
        },
      }
    },
  ),
]
