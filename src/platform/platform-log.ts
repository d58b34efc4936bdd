import { prefixedLog } from '../supervisor/prefixed-log.ts'
import type { SupervisorEvent } from '../supervisor/unit.ts'
import { partNames } from './platform.ts'
import type { PlatformManifest } from './platform-manifest.ts'

export interface PlatformLogOptions {
  readonly manifest: PlatformManifest
  readonly write: (text: string) => void
  readonly isTty: boolean
  readonly environment: NodeJS.ProcessEnv
  /** Leaves out what the parts say themselves. */
  readonly quiet: boolean
}

/** Writes what happens to a platform's parts, and what they say, each line with the part's name. */
export function platformLog(options: PlatformLogOptions): (event: SupervisorEvent) => void {
  const { manifest, isTty, environment, quiet } = options
  const line = prefixedLog(partNames(manifest), { write: options.write, isTTY: isTty }, environment)
  return (event) => {
    const text = sentence(event)
    if (!(quiet && event.type === 'log')) line(event.unit, text)
  }
}

function sentence(event: SupervisorEvent): string {
  switch (event.type) {
    case 'log':
      return event.line
    case 'ready':
      return `ready after ${event.milliseconds} ms`
    case 'failed':
      return `${event.why}; starting again in ${event.retryInMs} ms`
    case 'restarting':
      return `starting again, because ${event.because} ended`
    case 'killed':
      return 'did not end in time and was killed'
    default:
      return event.type
  }
}
