import { parseClientId, parseServiceName } from '../../core/names.ts'

/**
 * The service and the workload through which an operator gets at a tenant's data. They are nobody's
 * upstream, and contexts for them come from support access alone.
 */
export const SUPPORT_SERVICE = parseServiceName('ringfence-operator')
export const SUPPORT_CLIENT = parseClientId('ringfence-operator')
