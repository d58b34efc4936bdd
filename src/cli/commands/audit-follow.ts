import type { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { filterFlags, queryOf } from '../audit-filters.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import { eventStream, type StreamRefusal } from '../event-stream.ts'
import { type LogAccess, logAccess, logCommand, type LogFlags, logGet } from '../log-access.ts'
import { tenantRefusal } from '../tenant-access.ts'

/** Before it is asked again, after a connection has ended. */
const PAUSE_MS = 1_000
const TRIES = 5

interface Flags extends LogFlags, Readonly<Record<string, unknown>> {
  readonly from?: string
}

/** `ringfence audit follow`: goes on where it was when a connection ends, until it may read no longer. */
export function addAuditFollow(audit: Command, console: Console): void {
  examples(
    filterFlags(
      logCommand(
        audit
          .command('follow')
          .description('Entries as they come, a JSON line each, until Ctrl-C.'),
      ),
    ).option('--from <index>', 'from this entry on; default from now on'),
    'ringfence audit follow --url https://acme.example --token env:TOKEN --decision denied',
  )
    .addHelpText(
      'after',
      `
It ends with code 2 when its token does, and says from where to go on with a new one.`,
    )
    .action((flags: Flags) => follow(flags, console))
}

async function follow(flags: Flags, console: Console): Promise<void> {
  const access = await logAccess(flags, console)
  const { server, base, headers } = access
  // From here on by index: what comes while nobody is connected is not missed.
  let from = flags.from ?? String(await sizeOf(access))
  let wasOpen = false
  for (let failures = 0; ; ) {
    try {
      const path = `${base}/follow${queryOf(flags, { cursor: from })}`
      for await (const { id, event, data } of eventStream(server, path, headers, refusal)) {
        ;[wasOpen, failures] = [true, 0]
        if (event !== 'entry') continue
        console.out(`${data}\n`)
        from = String(Number(id) + 1)
      }
      ;[wasOpen, failures] = [true, 0]
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      if (error.code === 'not_authenticated' && wasOpen) throw ended(from)
      failures += 1
      if (error.code !== 'engine_unavailable' || failures >= TRIES) throw error
    }
    await sleep(PAUSE_MS)
  }
}

/** How many entries the log has now. */
async function sizeOf(access: LogAccess): Promise<number> {
  const schema = z.looseObject({ checkpoint: z.string().nullable() })
  const { checkpoint } = schema.parse(await (await logGet(access, '')).json())
  return Number(checkpoint?.split('\n', 2)[1] ?? '0')
}

const refusal = ({ status, text }: StreamRefusal) => tenantRefusal(status, text)

function ended(from: string): RingfenceError {
  return new RingfenceError(
    'not_authenticated',
    `the token is not good any more: go on with a new one and --from ${from}`,
  )
}
