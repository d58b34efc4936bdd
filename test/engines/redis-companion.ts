import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Companion } from './companions.ts'

/** A Redis server of the machine's. No package brings one. */
export function redis(name: string, file: string): Companion {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const server = path
    .split(delimiter)
    .map((directory) => join(directory, 'redis-server'))
    .find((file) => existsSync(file))
  if (server === undefined) return { name, missing: 'there is no redis-server in the PATH' }
  return {
    name,
    file,
    environment: { RINGFENCE_TEST_REDIS: server },
  }
}
