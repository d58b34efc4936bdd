import { chmod, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { newPassword } from '../clusters/scram.ts'
import { readState, writeState } from '../clusters/state-file.ts'
import { RingfenceError } from '../core/errors.ts'
import {
  readOrMakeSigningKey,
  type SigningAlgorithm,
  type SigningKey,
} from '../tokens/signing-key.ts'

/**
 * The secrets of a platform that is run from one state directory: a file each, in a directory that
 * only our own user may enter. Run apart, each plane is given its own few of them.
 */
export class Secrets {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async open(stateDirectory: string): Promise<Secrets> {
    const directory = join(resolve(stateDirectory), 'secrets')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await chmod(directory, 0o700)
    return new Secrets(directory)
  }

  /** A random text of 256 bits, made at the first call. */
  async text(name: string): Promise<string> {
    const path = this.path(name)
    const known = await readState(path)
    if (known !== undefined) {
      if (known === '') throw new RingfenceError('invalid_argument', `${path} is empty`)
      return known
    }
    const made = newPassword()
    await writeState(path, made)
    return made
  }

  /** A signing key, made at the first call. */
  key(name: string, alg: SigningAlgorithm): Promise<SigningKey> {
    return readOrMakeSigningKey(this.path(`${name}.jwk`), alg)
  }

  /** Where a secret is, for the configuration of the process that reads it. */
  path(name: string): string {
    return join(this.directory, name)
  }
}
