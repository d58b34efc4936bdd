import { parseTenantId } from '../core/tenant.ts'
import type { Used } from '../gateway/request-usage.ts'
import { UsageSeal } from './usage-seal.ts'

export const SEAL = new UsageSeal('a-secret-of-the-tests-0123456789ab')
export const SOURCE = '/ringfence/gateway/proxies/nginx-1'

/** A request of globex' in acme's context, for which globex pays. */
export const USED: Used = {
  tenantid: parseTenantId('globex'),
  tenantcontextid: parseTenantId('acme'),
  grantid: 'gr-1',
  subject: 'ann',
  data: { api: 'clinic', method: 'GET', cost: 1, upstream: 'clinic', client: 'web' },
}

/** A line as nginx writes it, without the line's end. */
export function lineOf(change: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    proxy: 'nginx',
    usage: SEAL.seal(USED),
    id: 'f'.repeat(32),
    ended_s: '1795694400.123',
    took_s: '0.023',
    status: '200',
    request_bytes: '',
    response_bytes: '8',
    completion: 'OK',
    answered: '0.020',
    length: '8',
    ...change,
  })
}
