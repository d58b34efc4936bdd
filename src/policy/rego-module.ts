import { RingfenceError } from '../core/errors.ts'

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0] as const
const IMPORTS = 2
const MEMORIES = 5
const MEMORY_KIND = 2

/**
 * Makes sure that a module has no memory but the one that it is given, which has a limit: one of its
 * own would have none.
 * @throws RingfenceError `invalid_argument`
 */
export function checkRegoModule(bytes: Uint8Array): void {
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) throw refused('no WebAssembly module')
  const reader = new Reader(bytes, MAGIC.length)
  let memories = 0
  while (!reader.isAtEnd) {
    const section = reader.byte()
    const end = reader.number() + reader.position
    if (end > bytes.length) throw refused('a section that is cut off')
    if (section === MEMORIES && reader.number() > 0) throw refused('a memory of its own')
    if (section === IMPORTS) memories += reader.memoriesImported()
    reader.position = end
  }
  if (memories !== 1) throw refused('not one memory that is given to it')
}

/** The binary format of WebAssembly, as far as it is needed. */
class Reader {
  position: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  get isAtEnd(): boolean {
    return this.position >= this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.position]
    if (byte === undefined) throw refused('an end too early')
    this.position += 1
    return byte
  }

  /** LEB128, unsigned. */
  number(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw refused('a number that is too long')
  }

  memoriesImported(): number {
    let memories = 0
    for (let count = this.number(); count > 0; count -= 1) {
      // Module and name.
      for (let text = 0; text < 2; text += 1) this.position = this.number() + this.position
      const kind = this.byte()
      if (kind === MEMORY_KIND) memories += 1
      this.#skipDescription(kind)
    }
    return memories
  }

  #skipDescription(kind: number): void {
    switch (kind) {
      case 0:
        this.number()
        return
      case 1:
        this.byte()
        this.#skipLimits()
        return
      case MEMORY_KIND:
        this.#skipLimits()
        return
      case 3:
        this.position += 2
        return
      default:
        throw refused('an import of an unknown kind')
    }
  }

  #skipLimits(): void {
    const flags = this.byte()
    if (flags > 1) throw refused('a memory that is shared or large')
    this.number()
    if (flags === 1) this.number()
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the Rego bundle cannot be used: ${why}`)
}
