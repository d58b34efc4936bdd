import { readFile } from 'node:fs/promises'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { PlatformSink } from '../../records/streams/open-streams.ts'
import { sinkInputSchema } from '../../records/streams/sink-settings.ts'
import type { AuditSinkSpec } from '../audit-sinks-spec.ts'
import { readSecret } from './served.ts'

/** Where the platform's own log is sent. @throws RingfenceError `invalid_manifest` naming the sink */
export function platformAuditSinks(
  specs: readonly AuditSinkSpec[],
): Promise<readonly PlatformSink[]> {
  return Promise.all(
    specs.map(async (spec) => {
      const sink = await withSecrets(spec)
      const read = sinkInputSchema.shape.sink.safeParse(sink)
      if (read.success) return { name: spec.name, sink: read.data }
      const where = read.error.issues[0]?.path.join('.') ?? ''
      throw new RingfenceError('invalid_manifest', `audit sink ${spec.name}: ${where} is not valid`)
    }),
  )
}

async function withSecrets(spec: AuditSinkSpec): Promise<object> {
  if (spec.kind === 'webhook') {
    const { name: _, secretFile, ...rest } = spec
    return { ...rest, secret: await readSecret(secretFile) }
  }
  if (spec.kind === 'syslog') {
    const { name: _, caFile, ...rest } = spec
    return { ...rest, ...(caFile === undefined ? {} : { ca: await readText(caFile) }) }
  }
  const { name: _, accessKeyIdFile, secretAccessKeyFile, ...rest } = spec
  return {
    ...rest,
    accessKeyId: await readSecret(accessKeyIdFile),
    secretAccessKey: await readSecret(secretAccessKeyFile),
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}
