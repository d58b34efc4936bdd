import { randomUUID } from 'node:crypto'
import { parseGrantId, parseSubject } from '../../core/names.ts'
import type { Heard } from '../../strikes/wire.ts'
import { signClientAssertion } from '../../tokens/client-assertion.ts'
import type { Duel } from '../duel.ts'
import { eventOf } from '../house/furnish.ts'
import { CLINIC, CLINIC_CLIENT, GATEWAY, LAB, VENDING } from '../house/ground.ts'
import { attackOf, must, type RecordsAttack, statusesOf } from './attack.ts'
import { usageLine } from './journals.ts'
import { USAGE } from './reads.ts'
import { bodyOf } from '../../strikes/heard.ts'

const write = attackOf('write')
const DAY_MS = 86_400_000

/** A service reports what the attacker's tenant used, by its context: that is counted. */
async function serviceReports(duel: Duel): Promise<string> {
  const event = eventOf(duel.attacker)
  const context = await duel.clinicContext(duel.attacker)
  const { status } = await duel.report(duel.own, 'clinic', [event], [context])
  must(status === 202 && (await duel.counted(event)).length === 1, 'report its usage')
  return 'the service reported usage of its own tenant, and it is counted'
}

type Note = <E extends { readonly id: string }>(event: E) => E

/** Reports of which nothing may be counted. */
function reporting(
  id: string,
  title: string,
  report: (duel: Duel, note: Note) => Promise<readonly Heard[]>,
): RecordsAttack {
  return write(id, title, async (duel) => ({
    owner: await serviceReports(duel),
    attempt: async () => {
      const ids: string[] = []
      const heard = await report(duel, (event) => {
        ids.push(event.id)
        return event
      })
      let counted = 0
      for (const one of ids) counted += (await duel.counted({ id: one })).length
      return { crossed: counted > 0, met: `${statusesOf(heard)}; ${counted} events are counted` }
    },
  }))
}

export const USAGE_ATTACKS: readonly RecordsAttack[] = [
  reporting('rc-usage-tenant', 'Report usage under another tenant’s id', async (duel, note) => {
    const own = await duel.clinicContext(duel.attacker)
    const theirs = () => [note(eventOf(duel.victim))]
    return [
      await duel.report(duel.wire, 'clinic', theirs()),
      await duel.report(duel.wire, 'clinic', theirs(), [own]),
      await duel.report(duel.wire, 'clinic', [eventOf(duel.attacker), ...theirs()], [own]),
      await duel.report(duel.wire, 'clinic', theirs(), ['a.b.c', own]),
    ]
  }),
  reporting(
    'rc-usage-context',
    'Report by a context that another service was given',
    async (duel, note) => {
      const theirs = () => [note(eventOf(duel.victim))]
      return [
        await duel.report(duel.wire, 'clinic', theirs(), [await duel.context(duel.victim)]),
        await duel.report(duel.wire, 'clinic', theirs(), [
          await duel.context(duel.victim, { service: LAB }),
        ]),
      ]
    },
  ),
  reporting(
    'rc-usage-forged-context',
    'Report by a context that somebody else signed',
    async (duel, note) => {
      const { stranger, clinic, gateway } = duel.ground.keys
      const heard: Heard[] = []
      for (const key of [stranger, clinic, gateway]) {
        const context = await duel.context(duel.victim, { service: CLINIC }, key)
        heard.push(await duel.report(duel.wire, 'clinic', [note(eventOf(duel.victim))], [context]))
      }
      return heard
    },
  ),
  reporting(
    'rc-usage-outside-context',
    'Report what was used before or after a context',
    async (duel, note) => {
      const context = await duel.clinicContext(duel.victim)
      const at = (ms: number) => {
        const time = new Date(Date.now() + ms).toISOString()
        return note(eventOf(duel.victim, { time }))
      }
      return [
        await duel.report(duel.wire, 'clinic', [at(-3_600_000)], [context]),
        await duel.report(duel.wire, 'clinic', [at(200_000)], [context]),
      ]
    },
  ),
  reporting(
    'rc-usage-delegated',
    'Have another tenant pay for a delegated call',
    async (duel, note) => {
      const { attacker, victim } = duel
      const delegation = {
        grant: parseGrantId(`gr-${'b'.repeat(24)}`),
        grantee: attacker.tenant,
        source: { id: 'their-token', client: 'web', issuedAt: new Date() },
      }
      const issuer = `https://id.records-proof.test/realms/${attacker.tenant}`
      const actor = { subject: parseSubject('eve'), issuer }
      // The grant says that whoever calls pays.
      const context = await duel.clinicContext(victim, {
        ...{ delegation, actor, billed: attacker.tenant },
      })
      return [await duel.report(duel.wire, 'clinic', [note(eventOf(victim))], [context])]
    },
  ),
  reporting('rc-usage-source', 'Report in the name of another source', async (duel, note) => {
    const context = await duel.clinicContext(duel.attacker)
    const heard: Heard[] = []
    for (const source of [
      `/ringfence/${GATEWAY}/1`,
      `/services/${LAB}/1`,
      `/services/${CLINIC}-2`,
      `/services/${CLINIC}x`,
      'services/clinic',
      'https://records.test/services/clinic',
    ]) {
      const event = { ...eventOf(duel.attacker), source, id: randomUUID() }
      heard.push(await duel.report(duel.wire, 'clinic', [note(event)], [context]))
    }
    return heard
  }),
  reporting('rc-usage-stranger', 'Report without a workload’s key', async (duel, note) => {
    const { stranger, lab, clinic } = duel.ground.keys
    const context = await duel.clinicContext(duel.attacker)
    const heard: Heard[] = []
    for (const assertion of [
      '',
      await duel.assertion('clinic', stranger),
      await duel.assertion('clinic', lab),
      await signClientAssertion(clinic, CLINIC_CLIENT, 'urn:another-plane'),
      context,
    ]) {
      heard.push(
        await duel.report(duel.wire, { assertion }, [note(eventOf(duel.attacker))], [context]),
      )
    }
    return heard
  }),
  reporting(
    'rc-usage-replayed',
    'Show a workload’s assertion a second time',
    async (duel, note) => {
      const context = await duel.clinicContext(duel.attacker)
      const assertion = await duel.assertion('clinic')
      const first = await duel.report(duel.own, { assertion }, [])
      if (first.status !== 202) throw new Error('the service could not use its assertion')
      return [
        await duel.report(duel.wire, { assertion }, [note(eventOf(duel.attacker))], [context]),
      ]
    },
  ),
  reporting(
    'rc-usage-time',
    'Report into bills that are closed, or not begun',
    async (duel, note) => {
      const heard: Heard[] = []
      for (const ms of [-60 * DAY_MS, -36 * DAY_MS, DAY_MS]) {
        const time = new Date(Date.now() + ms).toISOString()
        const source = `/ringfence/${GATEWAY}/1`
        const event = note({ ...eventOf(duel.victim), source, time })
        heard.push(await duel.report(duel.wire, 'gateway', [event]))
      }
      return heard
    },
  ),
  write('rc-usage-amended', 'Take back or correct what others have reported', async (duel) => {
    const owner = await serviceReports(duel)
    const plane = { ...eventOf(duel.attacker), source: `/ringfence/${GATEWAY}/1` }
    const theirs = { ...eventOf(duel.victim), source: `/services/${LAB}/1` }
    const sent = await duel.journal(duel.own, 'gateway', [usageLine(plane)])
    must(sent.status === 204, 'have the gateway report a request')
    const reported = await duel.report(
      duel.own,
      'lab',
      [theirs],
      [await duel.context(duel.victim, { service: LAB })],
    )
    must(reported.status === 202, 'have another service report')
    return {
      owner,
      attempt: async () => {
        const context = await duel.clinicContext(duel.attacker)
        const names = [plane, theirs].map(({ source, id }) => `${source} ${id}`)
        const heard: Heard[] = []
        for (const name of names) {
          for (const how of [{ voids: name }, { corrects: name }]) {
            const event = { ...eventOf(duel.attacker), ...how, data: {} }
            heard.push(await duel.report(duel.wire, 'clinic', [event], [context]))
          }
          const event = { ...eventOf(duel.victim), voids: name, data: {} }
          heard.push(await duel.report(duel.wire, 'clinic', [event], [context]))
        }
        const crossed = heard.some(({ status }) => status === 202)
        return { crossed, met: statusesOf(heard) }
      },
    }
  }),
  write('rc-usage-id', 'Take the name of another tenant’s event before it comes', async (duel) => {
    const owner = await serviceReports(duel)
    const first = eventOf(duel.attacker)
    return {
      owner,
      attempt: async () => {
        const context = await duel.clinicContext(duel.attacker)
        const heard = [await duel.report(duel.wire, 'clinic', [first], [context])]
        // What others use comes under the same id: another tenant's at the service, and the gateway's.
        const same = { ...eventOf(duel.attacker), id: first.id, source: `/ringfence/${VENDING}/1` }
        heard.push(await duel.journal(duel.own, 'vending', [usageLine(same)]))
        const counted = (await duel.counted(first)).length
        return { crossed: counted < 2, met: `${statusesOf(heard)}; ${counted} of 2 are counted` }
      },
    }
  }),
  write(
    'rc-usage-numbers',
    'Report amounts that are none, endless, or below zero',
    async (duel) => {
      const owner = await serviceReports(duel)
      const own = await duel.context(duel.attacker)
      const used = async () => {
        await duel.plane.site.metering.settled()
        const { body } = await duel.ownerSays('tenants', USAGE, own)
        const items = bodyOf({ body })['items'] as readonly { readonly quantity: string }[]
        return items.map(({ quantity }) => BigInt(quantity)).reduce((sum, one) => sum + one, 0n)
      }
      const before = await used()
      return {
        owner,
        attempt: async () => {
          const context = await duel.clinicContext(duel.attacker)
          const heard: Heard[] = []
          for (const amount of [
            '-5',
            '1e999',
            '-1e999',
            '1e16',
            '"NaN"',
            '"Infinity"',
            '"-7"',
            '"1e9"',
            '"0x10"',
            `"${'9'.repeat(400)}"`,
            'true',
            '{"$gt":1}',
          ]) {
            const event = JSON.stringify([eventOf(duel.attacker)])
            const text = event.replace('"amount":1', `"amount":${amount}`)
            heard.push(await duel.report(duel.wire, 'clinic', text, [context]))
          }
          const after = await used()
          return {
            crossed: after !== before,
            met: `${statusesOf(heard)}; what it owes ${after === before ? 'is as before' : 'is another'}`,
          }
        },
      }
    },
  ),
]
