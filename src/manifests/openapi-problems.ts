import { parseStrictJson } from '../core/strict-json.ts'

/**
 * What is wrong with the form of an OpenAPI document: that it is JSON, of a version that we read, with
 * paths, and that it refers to nothing outside itself.
 */
export function openapiProblems(text: string): readonly string[] {
  let document: unknown
  try {
    document = parseStrictJson(text)
  } catch {
    return ['an OpenAPI document is JSON, without a key twice in one object']
  }
  if (!isRecord(document)) return ['an OpenAPI document is an object']
  if (!/^3\.[01]\.\d+$/.test(String(document['openapi']))) {
    return ['an OpenAPI document is of version 3.0 or 3.1']
  }
  if (!isRecord(document['paths'])) return ['an OpenAPI document has paths']
  const outside = referencesIn(document).filter((reference) => !reference.startsWith('#/'))
  return outside.length === 0 ? [] : ['an OpenAPI document refers to nothing outside itself']
}

/** Every `$ref`, also where a document hides one in an example: it would be followed there as well. */
function referencesIn(document: unknown): readonly string[] {
  const found: string[] = []
  const open: unknown[] = [document]
  while (open.length > 0) {
    const value = open.pop()
    if (Array.isArray(value)) open.push(...(value as unknown[]))
    else if (isRecord(value)) {
      if (typeof value['$ref'] === 'string') found.push(value['$ref'])
      open.push(...Object.values(value))
    }
  }
  return found
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
