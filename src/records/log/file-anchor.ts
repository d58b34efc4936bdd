import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { CheckpointAnchor } from './checkpoint-anchor.ts'

/** Several checkpoints' worth. */
const TAIL_BYTES = 256 * 1_024

const lineSchema = z.strictObject({ checkpoint: z.string() })

/**
 * Keeps checkpoints in files that only grow, one for each log, one JSON object a line: on a disk of
 * another machine, or one that can be written once.
 */
export class FileAnchor implements CheckpointAnchor {
  readonly name: string
  readonly #directory: string

  constructor(directory: string) {
    this.name = `file ${directory}`
    this.#directory = directory
  }

  async keep(origin: string, note: string): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const file = await open(this.#path(origin), 'a', 0o600)
      try {
        // After a kill in the middle of a line the next one begins on a line of its own.
        await file.appendFile(`\n${JSON.stringify({ checkpoint: note })}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      throw new RingfenceError('not_writable', `${this.name}: ${messageOf(error)}`)
    }
  }

  async last(origin: string): Promise<string | undefined> {
    const text = await this.#tail(this.#path(origin))
    for (const line of text.split('\n').reverse()) {
      const note = readLine(line)
      if (note !== undefined) return note
    }
    return undefined
  }

  async #tail(path: string): Promise<string> {
    try {
      const file = await open(path, 'r')
      try {
        const { size } = await file.stat()
        const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
        await file.read(tail, 0, tail.length, size - tail.length)
        return tail.toString('utf8')
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
      throw new RingfenceError('not_writable', `${this.name}: ${messageOf(error)}`)
    }
  }

  #path(origin: string): string {
    return join(this.#directory, `${encodeURIComponent(origin)}.checkpoints`)
  }
}

/** Undefined for an empty line, and for one that a kill has cut. */
function readLine(line: string): string | undefined {
  try {
    return lineSchema.parse(JSON.parse(line)).checkpoint
  } catch {
    return undefined
  }
}
