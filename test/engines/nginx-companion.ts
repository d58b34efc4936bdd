import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Companion } from './companions.ts'

/** The machine's nginx, as its distribution builds it. */
export function nginx(): Companion {
  const name = 'nginx'
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const binary = path
    .split(delimiter)
    .map((directory) => join(directory, 'nginx'))
    .find((file) => existsSync(file))
  if (binary === undefined) return { name, missing: 'there is no nginx in the PATH' }
  return {
    name,
    file: 'test/engines/nginx.engine.ts',
    environment: { RINGFENCE_TEST_NGINX: binary },
  }
}
