/**
 * A manifest as people read it and Git compares it: OpenAPI documents stand in it themselves, not as
 * one long text. Applied, it is the very same again; where it would not be, the text stays.
 */
export function withDocuments(manifest: {
  readonly spec: Readonly<Record<string, unknown>>
}): typeof manifest {
  const { spec } = manifest
  const { apis } = spec
  if (!Array.isArray(apis)) return manifest
  return { ...manifest, spec: { ...spec, apis: apis.map(withDocument) } }
}

function withDocument(api: unknown): unknown {
  if (typeof api !== 'object' || api === null || !('openapi' in api)) return api
  const document = documentIn(api.openapi)
  return document === undefined ? api : { ...api, openapi: document }
}

/** The document that a text is, written in the one way in which it is written again. */
export function documentIn(text: unknown): object | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const document: unknown = JSON.parse(text)
    const isSame = typeof document === 'object' && JSON.stringify(document) === text
    return isSame && document !== null ? document : undefined
  } catch {
    return undefined
  }
}
