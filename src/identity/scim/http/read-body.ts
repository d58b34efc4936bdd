import type { IncomingMessage } from 'node:http'
import { RingfenceError } from '../../../core/errors.ts'
import { ScimError } from '../scim-error.ts'

/** A group of 10,000 members fits. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024
const TYPE = /^application\/(?:scim\+)?json(?:\s*;\s*charset="?utf-8"?)?\s*$/i

/** @throws RingfenceError `unsupported_media_type`, `too_large`; ScimError `invalidSyntax` */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  if (!TYPE.test(request.headers['content-type'] ?? '')) {
    throw new RingfenceError('unsupported_media_type', 'send application/scim+json')
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new RingfenceError('too_large', 'the request is too long')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new ScimError('invalidSyntax', 'the request is not JSON')
  }
}
