import type { Expected } from '../resource/endpoint.ts'
import { entityTag } from '../resource/meta.ts'

const TAG = /^(?:W\/)?"([\x21\x23-\x7e]*)"$/
const TAGS_MAX = 20

/**
 * `If-Match` or `If-None-Match` as a test of versions; undefined when it is not there. Compared weakly
 * (RFC 9110, section 13.1); what cannot be read fits no version.
 */
export function versionsOf(header: string | undefined): Expected {
  if (header === undefined) return undefined
  if (header.trim() === '*') return () => true
  const tags = header.split(',', TAGS_MAX).map((text) => TAG.exec(text.trim())?.[1])
  return (version) => tags.some((tag) => tag !== undefined && entityTag(version) === `W/"${tag}"`)
}
