import type { Command } from 'commander'
import { access, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { mirrorLog } from '../../transparency/mirror-log.ts'
import { served } from '../audit-source.ts'
import type { Console } from '../console.ts'
import { examples, wholeNumber } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { logAccess, logCommand, type LogFlags } from '../log-access.ts'

/** Files named when they are not served; the others are counted. */
const SHOWN_MAX = 5

/** `ringfence audit download`: a log's tiles as files, to be verified without anybody's help. */
export function addAuditDownload(audit: Command, console: Console, ending: Ending): void {
  examples(
    logCommand(
      audit
        .command('download <directory>')
        .description('A log as files, or what came since, for ringfence audit verify.')
        .option(
          '--cosigned <n>',
          'up to the newest checkpoint that so many witnesses have cosigned',
        ),
    ),
    'ringfence audit download ./audit/acme --url https://acme.example --token env:TOKEN',
    'ringfence audit download ./audit/platform --platform',
  ).action(async (directory: string, flags: LogFlags & { readonly cosigned?: string }) => {
    const cosigned = wholeNumber(flags.cosigned, '--cosigned') ?? 0
    const log = await logAccess(flags, console)
    const { origin, size, files, missing } = await mirrorLog({
      read: served(log, cosigned),
      write: (path, bytes) => put(join(directory, path), bytes),
      has: (path) =>
        access(join(directory, path)).then(
          () => true,
          () => false,
        ),
    })
    console.out(`${origin}: ${size} entries, ${files} new files in ${directory}\n`)
    if (missing.length === 0) return
    ending.exitCode = 1
    const more = missing.length > SHOWN_MAX ? ` and ${missing.length - SHOWN_MAX} more` : ''
    const shown = missing.slice(0, SHOWN_MAX).join(', ')
    console.err(`not served, although the checkpoint needs them: ${shown}${more}\n`)
  })
}

/** All of a file or none. @throws RingfenceError `not_writable` */
async function put(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, bytes)
    await rename(`${file}.new`, file)
  } catch (error) {
    throw new RingfenceError('not_writable', `${file} cannot be written: ${messageOf(error)}`)
  }
}
