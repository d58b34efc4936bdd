import {
  type ControlPlane,
  OPERATOR_SCOPES,
  type OperatorView,
  type TenantView,
} from '../../control/control-plane.ts'
import type { Finding, Severity } from '../../core/finding.ts'
import type { OfficeSettings } from '../house/pieces.ts'

const SECRET_BYTES_MIN = 24
const GRACE_SECONDS_MIN = 86_400
const PAGE = 500

/** Where the present state of a control plane is wider than promised. Changes nothing. */
export async function inspectOffice(
  plane: Pick<ControlPlane, 'operators' | 'catalogue' | 'tenants'>,
  settings: OfficeSettings,
): Promise<readonly Finding[]> {
  const { operators, catalogue } = plane
  const [people, cells, tenants] = await Promise.all([
    operators.list(),
    catalogue.cells(),
    activeTenants(plane.tenants),
  ])
  const now = Date.now()
  const working = people.filter(
    ({ revokedAt, expiresAt }) => !revokedAt && (expiresAt?.getTime() ?? Infinity) > now,
  )
  const regions = new Map(cells.map(({ name, region }) => [name, region]))
  return [
    ...working
      .filter(isAllPowerful)
      .map(({ name }) =>
        finding(
          'ca-operator-all-powerful',
          'info',
          `operator ${name}`,
          'Its token has every scope and no end: who finds it one day has the platform.',
        ),
      ),
    ...(await secondPerson(plane, working, settings)),
    ...settings.webhookSecrets
      .filter(isShort)
      .map((_secret, index) =>
        finding(
          'ca-webhook-secret-short',
          'high',
          `webhook secret ${index + 1}`,
          `It has fewer than ${SECRET_BYTES_MIN} bytes: who guesses it approves what it likes.`,
        ),
      ),
    ...(settings.graceSeconds >= GRACE_SECONDS_MIN
      ? []
      : [
          finding(
            'ca-grace-short',
            'medium',
            'grace period',
            'A tenant that is offboarded by mistake is erased within a day.',
          ),
        ]),
    ...cells
      .filter(({ tenants, capacity }) => tenants > capacity)
      .map(({ name }) =>
        finding(
          'ca-cell-overfull',
          'medium',
          `cell ${name}`,
          'It holds more tenants than it has room for: one may slow the others down.',
        ),
      ),
    ...tenants.flatMap((tenant) => misplaced(tenant, regions)),
  ]
}

async function activeTenants(tenants: ControlPlane['tenants']): Promise<readonly TenantView[]> {
  const found: TenantView[] = []
  let cursor: string | undefined
  do {
    const page = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }
    const { items, next } = await tenants.list({ status: 'active' }, page)
    found.push(...items)
    cursor = next
  } while (cursor !== undefined)
  return found
}

function misplaced(
  { id, cell, issuer, region }: TenantView,
  regions: ReadonlyMap<string, string>,
): readonly Finding[] {
  if (cell === undefined || issuer === undefined) {
    const why = 'It is served without a place or a realm of its own: nobody knows whose it uses.'
    return [finding('ca-active-without-place', 'high', `tenant ${id}`, why)]
  }
  if (regions.get(cell) === region) return []
  const why = 'Its cell stands in another region than its data may be in.'
  return [finding('ca-outside-region', 'critical', `tenant ${id}`, why)]
}

/** Four eyes need two people, or somebody outside. */
async function secondPerson(
  { catalogue }: Pick<ControlPlane, 'catalogue'>,
  working: readonly OperatorView[],
  { webhookSecrets }: OfficeSettings,
): Promise<readonly Finding[]> {
  const asking = (await catalogue.plans()).filter(({ approval }) => approval)
  const approvers = working.filter(({ scopes }) => scopes.includes('approvals:write'))
  if (webhookSecrets.length > 0 || approvers.length > 1) return []
  return asking.map(({ name }) =>
    finding(
      'ca-approval-by-nobody',
      'medium',
      `plan ${name}`,
      'It asks for a second person, and nobody but the requester could be one: people will share a token.',
    ),
  )
}

function isAllPowerful({ scopes, expiresAt }: OperatorView): boolean {
  return expiresAt === undefined && OPERATOR_SCOPES.every((scope) => scopes.includes(scope))
}

function isShort(secret: string): boolean {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length < SECRET_BYTES_MIN
}

function finding(rule: string, severity: Severity, object: string, explanation: string): Finding {
  return { rule, severity, object, explanation, fix: undefined }
}
