import { parseCheckpoint } from '../../transparency/checkpoint.ts'
import { parseAnnouncement } from '../../transparency/key-announcement.ts'
import type { LogFinding } from '../../transparency/log-finding.ts'
import { logSigner, newSeed } from '../../transparency/note-signer.ts'
import { parseNote, signNote } from '../../transparency/signed-note.ts'
import type { VerifyLog, verifyLog } from '../../transparency/verify-log.ts'
import {
  ED25519,
  parseVerifierKey,
  verifierKey,
  type VerifierKey,
} from '../../transparency/verifier-key.ts'
import { rawPublicKey } from '../../transparency/verifier-key.ts'
import { TILE_WIDTH } from '../../transparency/tile-path.ts'
import { SEVERAL_TILES } from '../house/large-log.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

type Verify = typeof verifyLog

function verifying(
  worse: (options: VerifyLog, site: Site) => VerifyLog | Promise<VerifyLog>,
): Pick<Pieces, 'verify'> {
  return { verify: (sound, site) => async (options) => sound(await worse(options, site)) }
}

/** It says nothing of some findings. */
function forgetting(isForgotten: (finding: LogFinding) => boolean): Pick<Pieces, 'verify'> {
  return {
    verify: (sound: Verify) => async (options) => {
      const report = await sound(options)
      return { ...report, findings: report.findings.filter((one) => !isForgotten(one)) }
    },
  }
}

/** It says nothing of some kinds. */
function silentOn(...kinds: readonly LogFinding['kind'][]): Pick<Pieces, 'verify'> {
  return forgetting(({ kind }) => kinds.includes(kind))
}

/** The checkpoint, as if whoever verifies had signed it: what an unsigned one is worth. */
async function withoutSignature(options: VerifyLog): Promise<VerifyLog> {
  const note = await options.read('checkpoint')
  if (note === undefined) return options
  const { text } = parseNote(Buffer.from(note).toString('utf8'))
  const signer = logSigner(parseCheckpoint(text).origin, newSeed())
  const signed = Buffer.from(signNote(text, [signer]))
  return {
    ...options,
    // What was kept of before is signed by the log itself.
    keys: [...options.keys, signer.key],
    read: async (path) => (path === 'checkpoint' ? signed : options.read(path)),
  }
}

/** Trusts every key that is announced, whoever announces it. */
async function withAnnounced(options: VerifyLog): Promise<VerifyLog> {
  const list = await options.read('keys')
  const notes = JSON.parse(Buffer.from(list ?? '[]').toString('utf8')) as readonly string[]
  return {
    ...options,
    keys: [...options.keys, ...notes.map((note) => parseAnnouncement(note).key)],
  }
}

/** Trusts the keys of all logs, each under whichever name. */
async function withAllKeys(options: VerifyLog, { logs }: Site): Promise<VerifyLog> {
  const keys: VerifierKey[] = [...options.keys]
  for (const { log } of await logs.logs()) {
    for (const { vkey } of await logs.keys(log)) {
      const { name, publicKey } = parseVerifierKey(vkey)
      keys.push(verifierKey(name, ED25519, rawPublicKey(publicKey)))
    }
  }
  return { ...options, keys }
}

/** Verifiers of logs that look at less. */
export const WORSE_VERIFIERS: readonly RecordsMutant[] = [
  mutant(
    'rc-verify-unsigned',
    'The checkpoint’s signature is not verified',
    ['rc-tamper-resigned', 'rc-tamper-old-signature'],
    verifying(withoutSignature),
  ),
  mutant(
    'rc-verify-any-key',
    'Keys that are announced are trusted, whoever announced them',
    ['rc-tamper-own-key'],
    verifying(withAnnounced),
  ),
  mutant(
    'rc-verify-all-keys',
    'Any log’s key may sign a checkpoint',
    ['rc-tamper-other-log'],
    verifying(withAllKeys),
  ),
  mutant(
    'rc-verify-no-consistency',
    'Nobody asks whether a log goes on from what it was before',
    ['rc-tamper-forked', 'rc-tamper-rolled-back'],
    verifying(({ since: _since, ...rest }) => rest),
  ),
  mutant(
    'rc-verify-tiles-alone',
    'Hash tiles are verified, and entries are not read',
    ['rc-tamper-changed', 'rc-tamper-spliced'],
    silentOn('changed', 'removed', 'moved', 'inserted', 'missing'),
  ),
  mutant(
    'rc-verify-entries-alone',
    'Entries are held to the hashes beside them, and these to nothing',
    ['rc-tamper-with-hash'],
    silentOn('rewritten', 'tile', 'changed'),
  ),
  mutant('rc-verify-as-set', 'The order of entries is not verified', ['rc-tamper-reordered'], {
    ...silentOn('moved'),
  }),
  mutant(
    'rc-verify-what-is-there',
    'Entries that are not there are not missed',
    ['rc-tamper-removed', 'rc-tamper-truncated'],
    silentOn('removed', 'missing'),
  ),
  mutant(
    'rc-verify-no-strangers',
    'Entries that nobody signed are passed over',
    ['rc-tamper-inserted'],
    silentOn('inserted'),
  ),
  mutant(
    'rc-verify-quiet-keys',
    'A key need not be announced in the log that it signs',
    ['rc-tamper-quiet-key'],
    silentOn('key'),
  ),
  mutant(
    'rc-verify-first-tile',
    'The first tile of a log is verified, and what comes after it is believed',
    ['rc-large-full-tile', 'rc-large-partial-tile', 'rc-large-bundle-lost'],
    forgetting((finding) => 'index' in finding && finding.index >= TILE_WIDTH),
  ),
  mutant(
    'rc-verify-full-tiles',
    'Full tiles are verified, and the one at the end is not',
    ['rc-large-partial-tile'],
    forgetting(
      (finding) =>
        'index' in finding && finding.index >= SEVERAL_TILES - (SEVERAL_TILES % TILE_WIDTH),
    ),
  ),
  mutant(
    'rc-verify-lowest-level',
    'Hashes of the lowest level are taken to be what was signed, and those above are not read',
    ['rc-large-upper-hash', 'rc-large-with-hash', 'rc-large-all-levels'],
    silentOn('tile', 'rewritten', 'differing'),
  ),
  mutant(
    'rc-verify-tiles-as-set',
    'Each tile is verified, and not where it stands',
    ['rc-large-tiles-swapped'],
    silentOn('moved', 'rewritten', 'differing', 'tile'),
  ),
  mutant(
    'rc-verify-not-which',
    'That something is wrong is said, and not with which entry',
    ['rc-tamper-changed', 'rc-tamper-removed'],
    {
      verify: (sound) => async (options) => {
        const report = await sound(options)
        const [first] = report.findings
        const whole: LogFinding = { kind: 'differing', index: 0, count: report.size }
        return { ...report, findings: first === undefined ? [] : [whole] }
      },
    },
  ),
]
