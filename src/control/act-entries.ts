import type { AuditActor, AuditEntry, Category } from '../audit/entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Actor } from './control-plane.ts'

type Detail = Readonly<Record<string, unknown>>

/** A tenant that an act concerns: it stands in that tenant's log too. */
export interface About {
  readonly tenant: TenantId
  /** What the tenant is told. Default: what of the act's own detail is for its eyes. */
  readonly detail?: Detail
  /** As whom the tenant is shown the operator. Default `operator`. */
  readonly operator?: string
}

/** One act as it was recorded. */
export interface Act {
  readonly by: Actor
  /** `tenant.suspend`, `user.create.refused` */
  readonly action: string
  readonly subject: string
  readonly detail: Detail
  readonly about: readonly About[]
}

/** By the first word of an action, or all of it. What is not here is a change of what is declared. */
const CATEGORIES: Readonly<Record<string, Category>> = {
  approval: 'lifecycle',
  billing: 'billing',
  'four-eyes': 'configuration',
  grant: 'grant',
  job: 'authentication',
  keys: 'keys',
  leases: 'revocation',
  operator: 'directory',
  person: 'directory',
  revoke: 'revocation',
  support: 'support',
  tenant: 'lifecycle',
  'tenant.export': 'export',
  'tenant.update': 'configuration',
  workload: 'revocation',
}
/** Of the realms' acts. */
const DIRECTORY = /^(?:realm|user|group|role|client|connection|domain|key|token|scim)/
const REVOKING = /^(?:session|sessions|revocation)/

/** Fields of an act that its tenant may see. The rest, operators' words among it, is the platform's. */
const FOR_TENANTS: ReadonlySet<string> = new Set([
  ...['access', 'client', 'code', 'compromised', 'connection', 'fields', 'from', 'grant', 'group'],
  ...['hosts', 'id', 'kind', 'lease', 'legalHold', 'plan', 'policy', 'purge', 'region', 'role'],
  ...['scope', 'scopes', 'seconds', 'service', 'session', 'state', 'step', 'tier', 'to', 'user'],
  ...['workflow'],
])

/** The platform's entry of an act, and one for the log of each tenant that it concerns. */
export function entriesOf(act: Act): readonly AuditEntry[] {
  const { by, subject, detail, about } = act
  const named = { ...detail, ...(by.person === undefined ? {} : { person: by.person }) }
  return [
    entry(act, { actor: actorOf(by), id: subject, detail: named }),
    ...about.map((one) =>
      entry(act, {
        tenant: one.tenant,
        actor: shownTo(one, by),
        id: isTold(one, subject) ? subject : act.action,
        detail: one.detail ?? told(detail),
      }),
    ),
  ]
}

interface Shown {
  readonly tenant?: TenantId
  readonly actor: AuditActor
  readonly id: string
  readonly detail: Detail
}

function entry({ by, action, detail }: Act, { tenant, actor, id, ...shown }: Shown): AuditEntry {
  const [area = '', ...rest] = action.split('.')
  const failed = rest.at(-1) === 'refused' || rest.at(-1) === 'unanswered'
  return makeEntry({
    tenant,
    category: categoryOf(action, area),
    action: `${word(area)}.${word(rest.join('-'))}`,
    actor,
    object: { type: area, id },
    decision: failed ? 'failed' : 'done',
    layer: 'control',
    request_id: tenant === undefined ? by.requestId : shownRequestId(by.requestId),
    ...(typeof detail['grant'] === 'string' ? { grant_id: detail['grant'] } : {}),
    detail: shown.detail,
  })
}

function categoryOf(action: string, area: string): Category {
  const known = CATEGORIES[action] ?? CATEGORIES[area]
  if (known !== undefined) return known
  if (REVOKING.test(area)) return 'revocation'
  return DIRECTORY.test(area) ? 'directory' : 'configuration'
}

const word = (text: string) => text.toLowerCase().replace(/[^a-z-]/g, '-') || 'done'

function actorOf(by: Actor): AuditActor {
  const { kind, name, tenant } = by
  if (kind === 'operator' || kind === 'workload') return { kind, id: name }
  if (kind === 'system') return { kind: 'platform', id: name }
  return { kind: 'user', id: name, ...(tenant === undefined ? {} : { tenant }) }
}

/** A tenant knows its own people by name, and of others' only where they come from. */
function shownTo({ tenant, operator = 'operator' }: About, by: Actor): AuditActor {
  if (by.kind !== 'administrator') {
    return by.kind === 'operator' ? { kind: 'operator', id: operator } : actorOf(by)
  }
  if (by.tenant === tenant) return { kind: 'user', id: by.name }
  return {
    kind: 'user',
    id: 'administrator',
    ...(by.tenant === undefined ? {} : { tenant: by.tenant }),
  }
}

/** Whoever calls may choose its own request id, and could write anything into a tenant's log with it. */
export function shownRequestId(id: string): string | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : undefined
}

const told = (detail: Detail): Detail =>
  Object.fromEntries(Object.entries(detail).filter(([name]) => FOR_TENANTS.has(name)))

/** What an act was done to may have an operator's name, or one that an operator chose. */
const isTold = ({ tenant }: About, subject: string): boolean =>
  subject === tenant || /^support-[0-9a-f]+$/.test(subject)
