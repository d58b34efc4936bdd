import { createHmac, randomUUID } from 'node:crypto'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { askedFor } from './approvals.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'

const PATH = '/v1/approvals/webhook'
const HOUR = 3_600
const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'write' })

interface Message {
  readonly id: string
  readonly at: number
  readonly body: string
}

function decision(approval: string, by = 'somebody-outside', approve = true): string {
  return JSON.stringify({
    type: 'approval.decided',
    data: { approval, approve, decided_by: by },
  })
}

function message(body: string, changes: Partial<Message> = {}): Message {
  return { id: randomUUID(), at: Math.floor(Date.now() / 1000), body, ...changes }
}

/** What the system outside signs. */
function signatureOf(duel: Duel, { id, at, body }: Message, secret?: string): string {
  const key = Buffer.from((secret ?? duel.ground.webhookSecret).slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`
}

const headersOf = ({ id, at }: Message, signature: string) =>
  [
    ['webhook-id', id],
    ['webhook-timestamp', String(at)],
    ['webhook-signature', signature],
  ] as const

type Sent = readonly [message: Message, signature: string]

const send = (duel: Duel, [message, signature]: Sent) =>
  duel.says('POST', PATH, { headers: headersOf(message, signature), body: message.body })

/** A decision that came from outside and was taken, and its message. */
async function taken(duel: Duel): Promise<{ readonly sent: Sent; readonly owner: string }> {
  const { approval, workflow } = await askedFor(duel, duel.guest())
  const good = message(decision(approval, 'somebody-outside', false))
  const sent = [good, signatureOf(duel, good)] as const
  const headers = headersOf(...sent)
  const { status } = await duel.ownerSays('POST', PATH, { headers, body: good.body })
  must(status === 200, 'decide from outside')
  await duel.site.ended(workflow)
  return { sent, owner: 'a decision from outside was taken' }
}

/** Messages about an approval that is still open. */
function messages(
  id: string,
  title: string,
  make: (duel: Duel, approval: string, before: Sent) => readonly Sent[],
): OfficeAttack {
  return staged(facts(id, title), async (duel) => {
    const { sent, owner } = await taken(duel)
    const { approval } = await askedFor(duel, duel.guest())
    return {
      owner,
      attempt: async () => {
        const heard: Heard[] = []
        for (const one of make(duel, approval, sent)) heard.push(await send(duel, one))
        return noneMay(heard)
      },
    }
  })
}

export const WEBHOOKS: readonly OfficeAttack[] = [
  messages('ca-webhook-unsigned', 'Decisions that nobody signed', (_duel, approval) => {
    const one = message(decision(approval))
    return ['v1,', 'v1,AAAA', `v1,${'A'.repeat(43)}=`, 'v1a,AAAA', 'none'].map(
      (signature) => [one, signature] as const,
    )
  }),
  messages('ca-webhook-forged', 'Decisions signed with another secret', (duel, approval) => {
    const one = message(decision(approval))
    const secrets = [`whsec_${Buffer.alloc(32).toString('base64')}`, 'whsec_']
    return secrets.map((secret) => [one, signatureOf(duel, one, secret)] as const)
  }),
  messages('ca-webhook-old', 'Decisions that are old, or from the future', (duel, approval) =>
    [-HOUR, HOUR].map((by) => {
      const at = Math.floor(Date.now() / 1000) + by
      const one = message(decision(approval), { at })
      return [one, signatureOf(duel, one)] as const
    }),
  ),
  messages('ca-webhook-body', 'A signed refusal, made an approval', (duel, approval) => {
    const signed = message(decision(approval, 'somebody-outside', false))
    return [[{ ...signed, body: decision(approval) }, signatureOf(duel, signed)]]
  }),
  messages(
    'ca-webhook-other-approval',
    'The signature of a decision on one approval, for another',
    (_duel, approval, [before, signature]) => [
      [{ ...before, id: randomUUID(), body: decision(approval) }, signature],
      [{ ...before, body: decision(approval) }, signature],
    ],
  ),
  messages(
    'ca-webhook-id-again',
    'A second decision under the id of a message that was taken',
    (duel, approval, [before]) => {
      const one = message(decision(approval), { id: before.id })
      return [[one, signatureOf(duel, one)]]
    },
  ),
  staged(facts('ca-webhook-replayed', 'A decision that was taken, once more'), async (duel) => {
    const { sent, owner } = await taken(duel)
    return { owner, attempt: async () => noneMay([await send(duel, sent), await send(duel, sent)]) }
  }),
  staged(
    facts('ca-webhook-requester', 'The requester decides outside, its name in other letters'),
    async (duel) => {
      const { owner } = await taken(duel)
      const guest = duel.guest()
      const { approval } = await askedFor(duel, guest)
      const names = [guest.person, guest.person.toUpperCase(), ` ${guest.person} `]
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const name of names) {
            const one = message(decision(approval, name))
            heard.push(await send(duel, [one, signatureOf(duel, one)]))
          }
          return noneMay(heard)
        },
      }
    },
  ),
]
