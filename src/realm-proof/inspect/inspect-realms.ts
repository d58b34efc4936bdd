import type { Finding } from '../../core/finding.ts'
import type { Plane } from '../house/plane.ts'

/** Where the present state of realms is wider than promised. Changes nothing. */
export async function inspectRealms(_plane: Plane): Promise<readonly Finding[]> {
  return []
}
