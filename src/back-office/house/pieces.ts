import type { ControlApiOptions } from '../../control/api/environment.ts'
import type { ControlPlane } from '../../control/control-plane.ts'
import type { Site } from './site.ts'

export type Fetch = (request: Request, env?: object) => Response | Promise<Response>

/** What a deployment says of its control plane. */
export interface OfficeSettings {
  readonly webhookSecrets: readonly string[]
  readonly graceSeconds: number
}

/** What the control API of a copy is put together from. Mutants put worse pieces in the place of these. */
export interface Pieces {
  /** What the API calls. */
  readonly plane: (site: Site) => ControlPlane
  /** What stands between callers and the API. */
  readonly front: (api: Fetch, site: Site, plane: ControlPlane) => Fetch
  readonly api: Pick<ControlApiOptions, 'failedAuthenticationsPerMinute'>
  readonly settings: (settings: OfficeSettings) => OfficeSettings
}

export const SOUND: Pieces = {
  plane: ({ plane }) => plane,
  front: (api) => api,
  api: {},
  settings: (settings) => settings,
}
