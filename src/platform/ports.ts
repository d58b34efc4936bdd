import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { readState, writeState } from '../clusters/state-file.ts'
import type { PlatformListen, PlatformManifest } from './platform-manifest.ts'

const FILE = 'ports.json'
const DOORS = ['gateway', 'control', 'identity', 'records'] as const

const portsSchema = z.partialRecord(z.enum(DOORS), z.int())

/**
 * The manifest's listeners with a number for each port 0: the one taken last time while it is free,
 * for issuers and bookmarks name it, else any.
 */
export async function withPorts(
  manifest: PlatformManifest,
  stateDirectory: string,
): Promise<PlatformManifest> {
  const path = join(stateDirectory, FILE)
  const before = portsSchema.safeParse(parseOrNothing(await readState(path)))
  const listen = { ...manifest.listen }
  for (const door of DOORS) {
    const { host, port } = listen[door]
    if (port !== 0) continue
    const last = before.success ? before.data[door] : undefined
    listen[door] = { host, port: await freePort(host, last) }
  }
  const ports = Object.fromEntries(DOORS.map((door) => [door, listen[door].port]))
  await writeState(path, JSON.stringify(ports))
  return { ...manifest, listen }
}

/** @param wished taken if it is free */
export async function freePort(host: string, wished?: number): Promise<number> {
  if (wished !== undefined && (await tryPort(host, wished)) !== undefined) return wished
  return (await tryPort(host, 0)) ?? 0
}

export function urlOf({ host, port }: PlatformListen): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function tryPort(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(port, host, () => {
      const address = probe.address()
      const taken = typeof address === 'object' ? address?.port : undefined
      probe.close(() => resolve(taken))
    })
  })
}

function parseOrNothing(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
