import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { verifyEvidence } from '../../proof/evidence.ts'
import type { Console } from '../console.ts'
import type { Ending } from '../ending.ts'

/** A file's text. @throws RingfenceError `invalid_argument` */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_argument', `${path}: ${messageOf(error)}`)
  }
}

export function addEvidence(program: Command, console: Console, ending: Ending): void {
  const evidence = program.command('evidence').description('Signed evidence of proofs.')
  evidence
    .command('verify')
    .description('Check evidence with nothing but the file and the public key that you trust.')
    .argument('<file>', 'the DSSE envelope, evidence.dsse.json')
    .requiredOption('--key <file>', 'the public key, SPKI in PEM')
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText(
      'after',
      `
The exit code is 0 for good evidence of a proven boundary, 1 for good evidence of anything else,
and 2 when the evidence itself is not good.

Example:
  ringfence evidence verify evidence.dsse.json --key evidence.pub`,
    )
    .action((file: string, options: { key: string; output: string }) => {
      const { report, ...verified } = verifyEvidence(readText(file), readText(options.key))
      ending.exitCode = verified.verdict === 'proven' ? 0 : 1
      if (options.output === 'json') {
        console.out(`${JSON.stringify({ ...verified, report }, null, 2)}\n`)
        return
      }
      console.out(
        [
          `signature   good, key ${verified.keyid}`,
          `verdict     ${verified.verdict}`,
          `finished    ${report.finishedAt}`,
          `strikes     ${report.counts.strikes}, leaks ${report.counts.leaked}, stated limits ${report.limits.length}`,
          ...verified.subjects.map(
            ({ name, digest }) => `subject     ${name} sha256:${digest.sha256}`,
          ),
          '',
        ].join('\n'),
      )
    })
}
