import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import { keyIdOf, type Signer } from './dsse.ts'
import { fileFailure } from './file-failure.ts'

export const PRIVATE_KEY_FILE = 'evidence-key.pem'
export const PUBLIC_KEY_FILE = 'evidence.pub'

/** Bits of a mode that let anyone but the owner in. */
const MODE_OF_OTHERS = 0o077

/** Signs evidence. The private key stays inside. */
export interface EvidenceKey extends Signer {
  /** SPKI PEM, to hand to auditors. */
  readonly publicPem: string
}

/**
 * The platform's evidence key, an Ed25519 key in `directory`: `evidence-key.pem` (PKCS#8, mode 0600)
 * and `evidence.pub` (SPKI) beside it. The first caller makes it; callers at the same time get the
 * same key.
 * @throws RingfenceError `invalid_evidence` for a key file that others can read, that is not an
 *   Ed25519 key, or whose public half beside it is another; `not_writable`, `disk_full`
 */
export async function loadOrCreateEvidenceKey(directory: string): Promise<EvidenceKey> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, PRIVATE_KEY_FILE)
    const privateKey = (await readPrivateKey(path)) ?? (await createPrivateKeyFile(path))
    const publicKey = createPublicKey(privateKey)
    const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    await keepPublicKey(join(directory, PUBLIC_KEY_FILE), publicPem)
    return {
      keyid: keyIdOf(publicKey),
      publicPem,
      sign: (bytes) => sign(null, bytes, privateKey),
    }
  } catch (error) {
    throw fileFailure(error, directory)
  }
}

async function readPrivateKey(path: string): Promise<KeyObject | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) => {
    if (isCode(error, 'ENOENT')) return undefined
    if (isCode(error, 'ELOOP')) throw refused(path, 'is a symbolic link')
    throw error
  })
  if (file === undefined) return undefined
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw refused(path, 'is not a file')
    if ((stat.mode & MODE_OF_OTHERS) !== 0)
      throw refused(path, 'can be read by others: chmod 600 it')
    let key: KeyObject
    try {
      key = createPrivateKey(await file.readFile('utf8'))
    } catch {
      // Without the cause: it may quote the file.
      throw refused(path, 'does not hold a private key')
    }
    if (key.asymmetricKeyType !== 'ed25519') throw refused(path, 'is not an Ed25519 key')
    return key
  } finally {
    await file.close()
  }
}

async function createPrivateKeyFile(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const won = await createWhole(path, pem, 0o600)
  const key = won ? privateKey : await readPrivateKey(path)
  if (key === undefined) throw refused(path, 'vanished while it was read')
  return key
}

async function keepPublicKey(path: string, pem: string): Promise<void> {
  if (await createWhole(path, pem, 0o644)) return
  if ((await readFile(path, 'utf8')) !== pem) {
    throw refused(path, `does not belong to ${PRIVATE_KEY_FILE} beside it`)
  }
}

/** Makes a file that is whole from its first moment on. False if there already is one. */
async function createWhole(path: string, content: string, mode: number): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(draft, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

function refused(path: string, what: string): RingfenceError {
  return new RingfenceError('invalid_evidence', `the evidence key ${path} ${what}`)
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
