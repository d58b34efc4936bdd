import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Companion } from './companions.ts'

/** A NATS server of the machine's. No package brings one. */
export function nats(): Companion {
  const name = 'NATS'
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const server = path
    .split(delimiter)
    .map((directory) => join(directory, 'nats-server'))
    .find((file) => existsSync(file))
  if (server === undefined) return { name, missing: 'there is no nats-server in the PATH' }
  return {
    name,
    file: 'test/engines/nats.engine.ts',
    environment: { RINGFENCE_TEST_NATS: server },
  }
}

/** The same server with a stream of usage. */
export function natsStream(): Companion {
  const bell = nats()
  if ('missing' in bell) return { name: 'NATS JetStream', missing: bell.missing }
  return { ...bell, name: 'NATS JetStream', file: 'test/engines/usage-stream.engine.ts' }
}
