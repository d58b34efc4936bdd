import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ground } from './ground.ts'
import type { Pieces } from './pieces.ts'
import { type Settings, settingsOf } from './settings.ts'
import { Upstream } from './upstream.ts'

/** What stays the same for every front door of one copy: who there is, and the services behind it. */
export interface House {
  readonly ground: Ground
  readonly pieces: Pieces
  readonly upstream: Upstream
  /** What the control plane publishes unless an attack is about something else. */
  readonly settings: Settings
  /** A new directory for one front door, gone when the house is closed. */
  room(): string
  close(): Promise<void>
}

export async function openHouse(ground: Ground, pieces: Pieces): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-door-'))
  const upstream = await Upstream.open(ground, pieces.verifierOf(ground))
  let rooms = 0
  return {
    ground,
    pieces,
    upstream,
    settings: pieces.configure(settingsOf(ground, upstream.url), ground),
    room() {
      rooms += 1
      return join(directory, String(rooms))
    },
    async close() {
      await upstream.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
