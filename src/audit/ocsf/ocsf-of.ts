import { type AuditActor, type AuditEntry, logOf } from '../entry.ts'
import {
  ACCOUNT_CHANGE,
  activityOf,
  API_ACTIVITY,
  AUTHENTICATION,
  classOf,
  DETECTION_FINDING,
  ENTITY_MANAGEMENT,
} from './ocsf-class.ts'

/** Of the schema that we write. */
export const OCSF_VERSION = '1.3.0'

/** What addresses there have room for. */
const IP_MAX = 40

/** An event of OCSF: JSON. */
export type OcsfEvent = Readonly<Record<string, unknown>>

/**
 * An entry as an event of the Open Cybersecurity Schema Framework. Nothing is lost: what OCSF has no
 * attribute for is in `unmapped`, under our own names.
 */
export function ocsfOf(entry: AuditEntry): OcsfEvent {
  const { uid, name, category } = classOf(entry)
  const activity = activityOf(entry)
  const failed = entry.decision === 'denied' || entry.decision === 'failed'
  return {
    category_uid: category.uid,
    category_name: category.name,
    class_uid: uid,
    class_name: name,
    activity_id: activity.id,
    activity_name: activity.name,
    type_uid: uid * 100 + activity.id,
    type_name: `${name}: ${activity.name}`,
    time: Date.parse(entry.time),
    ...severityOf(entry, failed),
    status_id: failed ? 2 : 1,
    status: failed ? 'Failure' : 'Success',
    ...(entry.reason === undefined ? {} : { status_detail: entry.reason }),
    message: `${entry.action}: ${entry.decision}`,
    metadata: { ...metadataOf(entry), ...profilesOf(uid) },
    ...partsOf(entry),
    unmapped: unmappedOf(entry),
  }
}

function severityOf({ category }: AuditEntry, failed: boolean) {
  if (category === 'detection') return { severity_id: 4, severity: 'High' }
  if (category === 'support' || category === 'erasure') {
    return { severity_id: 3, severity: 'Medium' }
  }
  return failed
    ? { severity_id: 2, severity: 'Low' }
    : { severity_id: 1, severity: 'Informational' }
}

function metadataOf({ id, tenant, request_id, action }: AuditEntry) {
  return {
    version: OCSF_VERSION,
    product: { name: 'Ringfence', vendor_name: 'Ringfence' },
    uid: id,
    event_code: action,
    log_name: logOf(tenant),
    ...(request_id === undefined ? {} : { correlation_uid: request_id }),
    ...(tenant === undefined ? {} : { tenant_uid: tenant }),
  }
}

/** Who acts is in these classes by a profile. */
function profilesOf(uid: number) {
  const isByProfile = uid === ENTITY_MANAGEMENT.uid || uid === DETECTION_FINDING.uid
  return isByProfile ? { profiles: ['host'] } : {}
}

/** What each class demands, and what it has besides. */
function partsOf(entry: AuditEntry): OcsfEvent {
  const { actor, on_behalf_of, object, action, layer, address } = entry
  const acting = { actor: { user: userOf(actor) } }
  const endpoint = { src_endpoint: endpointOf(address) }
  const resources =
    object === undefined ? {} : { resources: [{ uid: object.id, type: object.type }] }
  switch (classOf(entry).uid) {
    case AUTHENTICATION.uid:
      return {
        ...acting,
        ...endpoint,
        user: object?.type === 'user' ? { uid: object.id } : userOf(on_behalf_of ?? actor),
        service: { name: layer },
      }
    case ACCOUNT_CHANGE.uid:
      return { ...acting, ...endpoint, user: { uid: object?.id ?? actor.id } }
    case API_ACTIVITY.uid:
      return { ...acting, ...endpoint, api: { operation: action }, ...resources }
    case DETECTION_FINDING.uid:
      return { ...acting, ...resources, finding_info: { title: action, uid: entry.id } }
    case ENTITY_MANAGEMENT.uid:
    default:
      return {
        ...acting,
        ...(address === undefined ? {} : endpoint),
        entity: { uid: object?.id ?? action, type: object?.type ?? 'unknown' },
      }
  }
}

function endpointOf(address: string | undefined) {
  if (address === undefined) return { name: 'unknown' }
  return address.length > IP_MAX ? { name: address } : { ip: address }
}

/** OCSF's kinds: 1 is a user, 2 an administrator, 3 the system itself. */
function userOf({ kind, id, tenant }: AuditActor) {
  const type = kind === 'operator' ? 2 : kind === 'user' ? 1 : kind === 'unknown' ? 0 : 3
  return { uid: id, type_id: type, ...(tenant === undefined ? {} : { domain: tenant }) }
}

function unmappedOf(entry: AuditEntry) {
  const { category, decision, layer, on_behalf_of, trace_id, grant_id, actor, detail } = entry
  const { uid } = classOf(entry)
  const isOfUser = uid === AUTHENTICATION.uid || uid === ACCOUNT_CHANGE.uid
  return {
    category,
    decision,
    layer,
    actor_kind: actor.kind,
    ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
    ...(isOfUser && entry.object !== undefined ? { object: entry.object } : {}),
    ...(uid === DETECTION_FINDING.uid && entry.address !== undefined
      ? { address: entry.address }
      : {}),
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(grant_id === undefined ? {} : { grant_id }),
    ...(detail === undefined ? {} : { detail }),
  }
}
