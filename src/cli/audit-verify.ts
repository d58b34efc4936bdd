import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { describeFinding } from '../transparency/log-finding.ts'
import { COSIGNATURE, ED25519, parseVerifierKey } from '../transparency/verifier-key.ts'
import { type LogReport, verifyLog } from '../transparency/verify-log.ts'
import { openAuditSource } from './audit-source.ts'
import type { Console } from './console.ts'
import type { Ending } from './ending.ts'
import { readText } from './read-document.ts'

interface Options {
  readonly key: readonly string[]
  readonly since?: string
  readonly witness?: readonly string[]
  readonly quorum?: string
  readonly token?: string
  readonly json?: boolean
  readonly progress?: boolean
}

const PROGRESS_MS = 1_000
const anchoredSchema = z.object({ checkpoint: z.string() })
/** Findings that are printed one by one. `--json` has all. */
const SHOWN_MAX = 50

export function addAuditVerify(audit: Command, console: Console, ending: Ending): void {
  const more = (value: string, known: readonly string[] = []) => [...known, value]
  audit
    .command('verify')
    .description('Check a whole log with nothing but its files and the public key that you trust.')
    .argument('<directory|url>', 'where checkpoint and tile/ are')
    .requiredOption(
      '--key <vkey>',
      "the log's key, or a file with its keys; again for another",
      more,
    )
    .option('--since <file>', 'a checkpoint that the log gave out before, or a file of an anchor')
    .option('--witness <vkey>', 'a witness that must have cosigned; again for another', more)
    .option('--quorum <number>', 'how many of the witnesses must have cosigned, instead of all')
    .option('--token <env:NAME>', 'a bearer token for the address, in a variable')
    .option('--progress', 'say on standard error how far it is')
    .option('--json', 'write the report as JSON')
    .addHelpText(
      'after',
      `
With --witness, a server is asked for the newest checkpoint that so many have cosigned.
Later keys of the log are followed: each is announced, signed by the key before it, in the log itself.
Without --since nobody can tell a log whose owner has cut it off or written it anew with its own key.

The exit code is 0 for a log that is as it was signed, 1 for one that is not, and 2 when it could not
be read.

Examples:
  ringfence audit verify ./audit/acme --key acme.vkey --since last-month.checkpoint
  ringfence audit verify https://acme.example/ringfence/audit --key acme.vkey --token env:TOKEN`,
    )
    .action(async (where: string, options: Options) => {
      const witnesses = (options.witness ?? []).flatMap((text) => keysOf(text, COSIGNATURE))
      const quorum = quorumOf(options.quorum, witnesses.length)
      const token = tokenOf(options.token, console)
      const read = await openAuditSource(where, token, quorum ?? witnesses.length)
      let told = Date.now()
      const report = await verifyLog({
        read,
        keys: options.key.flatMap((text) => keysOf(text, ED25519)),
        witnesses,
        ...(options.since === undefined ? {} : { since: olderCheckpoint(options.since) }),
        ...(quorum === undefined ? {} : { quorum }),
        onProgress: (entries, size) => {
          if (options.progress !== true || Date.now() - told < PROGRESS_MS) return
          told = Date.now()
          console.err(`${entries} of ${size} entries\n`)
        },
      })
      ending.exitCode = report.findings.length === 0 ? 0 : 1
      console.out(options.json === true ? asJson(report) : asText(report))
    })
}

/** A key, or those of a file, one a line. @throws RingfenceError `invalid_argument`, `invalid_evidence` */
function keysOf(text: string, type: number) {
  const lines = (existsSync(text) ? readText(text) : text).split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '').map(parseVerifierKey)
  if (keys.length === 0) throw new RingfenceError('invalid_argument', `${text} holds no key`)
  const other = keys.find((key) => key.type !== type)
  if (other === undefined) return keys
  throw new RingfenceError(
    'invalid_argument',
    type === ED25519 ? `${other.name} is a witness's key` : `${other.name} is a log's key`,
  )
}

/** A checkpoint by itself, or the newest of an anchor's file: a JSON object a line. */
function olderCheckpoint(file: string): string {
  const text = readText(file)
  const lines = text.split('\n').filter((line) => line.startsWith('{"checkpoint":'))
  for (const line of lines.toReversed()) {
    try {
      return anchoredSchema.parse(JSON.parse(line)).checkpoint
    } catch {
      // A line that a kill has cut: the one before it holds.
    }
  }
  return text
}

function quorumOf(text: string | undefined, witnesses: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text) && Number(text) <= witnesses) return Number(text)
  throw new RingfenceError('invalid_argument', `--quorum is a number up to ${witnesses}`)
}

/** Only by the name of a variable: a command line can be read by others. */
function tokenOf(text: string | undefined, console: Console): string | undefined {
  if (text === undefined) return undefined
  const token = text.startsWith('env:') ? console.environment[text.slice(4)] : undefined
  if (token !== undefined && token !== '') return token
  throw new RingfenceError('invalid_argument', '--token is env: and the name of a variable')
}

function asJson(report: LogReport): string {
  const findings = report.findings.map((one) => ({ ...one, text: describeFinding(one) }))
  const verdict = findings.length === 0 ? 'whole' : 'not as signed'
  return `${JSON.stringify({ verdict, ...report, findings }, null, 2)}\n`
}

function asText({ origin, size, root, signedBy, cosignedBy, findings }: LogReport): string {
  const shown = findings.slice(0, SHOWN_MAX).map((one) => `finding     ${describeFinding(one)}`)
  const hidden = findings.length - shown.length
  return [
    `log         ${origin}`,
    `entries     ${size}`,
    `root        ${root === '' ? '-' : root}`,
    ...signedBy.map((key) => `signed      ${key}`),
    ...cosignedBy.map(({ key, time }) => `cosigned    ${key} at ${time}`),
    ...shown,
    ...(hidden > 0 ? [`            and ${hidden} more: --json has all`] : []),
    `verdict     ${findings.length === 0 ? 'whole: every entry is as it was signed' : 'NOT as it was signed'}`,
    '',
  ].join('\n')
}
