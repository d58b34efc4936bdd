import { createHmac, randomUUID } from 'node:crypto'
import type { ApprovalView } from '../../control/control-plane.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Site } from '../house/site.ts'
import { lastWins } from './decisions.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

type Amiss = 'signature' | 'window' | 'memory' | 'id' | 'case' | 'before'
const WINDOW_SECONDS = 300

/** Decisions from outside, read by hand, with one thing amiss, or none. */
export function carelessWebhook(site: Site, amiss?: Amiss) {
  const { ground, plane } = site
  const remembered = new Set<string>()
  return async (headers: Readonly<Record<string, string>>, text: string): Promise<ApprovalView> => {
    const id = headers['webhook-id'] ?? ''
    const at = headers['webhook-timestamp'] ?? ''
    const key = Buffer.from(ground.webhookSecret.slice('whsec_'.length), 'base64')
    const data = JSON.parse(text) as {
      data: { approval: string; approve: boolean; decided_by: string }
    }
    const { approval, approve, decided_by } = data.data
    const mac = createHmac('sha256', key).update(`${id}.${at}.${text}`).digest('base64')
    const given = headers['webhook-signature'] ?? ''
    const good = given === `v1,${mac}` || (amiss === 'memory' && remembered.has(given))
    const age = Math.abs(Date.now() / 1000 - Number(at))
    if ((amiss !== 'signature' && !good) || (amiss !== 'window' && age > WINDOW_SECONDS)) {
      throw new RingfenceError('not_authenticated', 'the message is not good')
    }
    if (good) remembered.add(given)
    const decidedBy = amiss === 'case' ? decided_by : decided_by.trim().toLowerCase()
    if (amiss === 'before') {
      const { requestedBy } = await plane.approvals.get(approval)
      if (requestedBy === decidedBy) throw new RingfenceError('forbidden', 'the requester decides')
      return lastWins(site, approval, approve, { name: `webhook:${decidedBy}` })
    }
    return plane.approvals.decideOutside({
      id: amiss === 'id' ? randomUUID() : id,
      approval,
      approve,
      comment: undefined,
      channel: 'webhook',
      decidedBy,
    })
  }
}

function webhooks(id: Amiss, title: string, noticedBy: readonly string[]): OfficeMutant {
  return mutant(
    `ca-webhooks-${id}`,
    title,
    noticedBy,
    worsePlane(({ approvals }, site) => ({
      approvals: instead(approvals, { receiveWebhook: carelessWebhook(site, id) }),
    })),
  )
}

export const WEBHOOK_MUTANTS: readonly OfficeMutant[] = [
  webhooks('signature', 'Signatures of decisions are not looked at', [
    'ca-webhook-unsigned',
    'ca-webhook-forged',
    'ca-webhook-body',
    'ca-webhook-other-approval',
  ]),
  webhooks('memory', 'Good signatures are remembered, and not for which message', [
    'ca-webhook-other-approval',
  ]),
  webhooks('window', 'Decisions of any age are taken', ['ca-webhook-old']),
  webhooks('id', 'Ids of messages are not remembered', ['ca-webhook-id-again']),
  webhooks('case', 'Names are compared letter by letter', ['ca-webhook-requester']),
  webhooks('before', 'Decisions from outside are written, whatever came before', [
    'ca-webhook-replayed',
    'ca-webhook-id-again',
  ]),
]
