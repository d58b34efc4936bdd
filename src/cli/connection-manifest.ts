import { z } from 'zod'
import type { RealmInput } from '../administration/operations.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Console } from './console.ts'
import { readDocuments } from './read-document.ts'

const manifestSchema = z.strictObject({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('Connection'),
  metadata: z.strictObject({ name: z.string().min(1).max(40) }),
  spec: z.strictObject({
    kind: z.enum(['oidc', 'saml']),
    displayName: z.string().min(1).max(200).optional(),
    enabled: z.boolean().default(true),
    /** Names an environment variable. A secret itself has no place in a manifest. */
    clientSecretFrom: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')
      .optional(),
    config: z.record(z.string(), z.unknown()),
  }),
})

/** The connections that a file describes, read whole before the first is sent. @throws `invalid_manifest` */
export function readConnections(
  file: string,
  { environment }: Console,
): readonly RealmInput<'putConnection'>[] {
  const read = readDocuments(file).map((document) => {
    const result = manifestSchema.safeParse(document)
    if (result.success) return result.data
    const issue = result.error.issues[0]
    const where = issue?.path.join('.') || 'the document'
    throw new RingfenceError('invalid_manifest', `${file}: ${where}: ${issue?.message}`)
  })
  if (read.length === 0) throw new RingfenceError('invalid_manifest', `${file}: it is empty`)
  return read.map(({ metadata: { name }, spec }) => {
    const { kind, displayName = name, enabled, clientSecretFrom: variable, config } = spec
    const secret = variable === undefined ? undefined : environment[variable]
    if (variable !== undefined && (secret === undefined || secret === '')) {
      throw new RingfenceError('invalid_manifest', `${file}: the variable ${variable} is not set`)
    }
    const said = { connection: name, kind, display_name: displayName, enabled, config }
    return secret === undefined ? said : { ...said, client_secret: secret }
  })
}
