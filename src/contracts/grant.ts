import { z } from 'zod'
import { SCOPES } from '../core/lease.ts'
import { parseApiName, parseGrantId, parseSubject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'

/**
 * A tenant's consent that a principal of another may do something named, for a time: kept with the
 * tenant that gives it. It is in the configuration only while both sides consent.
 */
export const grantSchema = z.strictObject({
  id: parsed(parseGrantId),
  /** Whose principal it is. */
  grantee: parsed(parseTenantId),
  /** In the grantee's realm. */
  subject: parsed(parseSubject),
  /** For what a token of it may be good at most. */
  scopes: z.array(z.enum(SCOPES)).min(1).max(2),
  /**
   * What it may: policy actions of these APIs, and the resources they are done to: `/patients` inside
   * the API, with all below it, or `Clinic::Record/7` in a service's own words.
   */
  apis: z.array(parsed(parseApiName)).min(1).max(50),
  actions: z.array(z.string().min(1).max(200)).min(1).max(100),
  resources: z.array(z.string().min(1).max(500)).min(1).max(100),
  notBefore: z.iso.datetime(),
  expires: z.iso.datetime(),
  /** Who pays for what is done under it. */
  bills: z.enum(['grantor', 'grantee']),
})

export type GrantConfig = z.output<typeof grantSchema>
