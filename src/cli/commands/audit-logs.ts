import type { Command } from 'commander'
import { z } from 'zod'
import type { Console } from '../console.ts'
import { ControlClient } from '../control-client.ts'
import { examples } from '../control-command.ts'
import { STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { parseFormat, writeList } from '../output.ts'
import { recordsAccess, type RecordsFlags } from '../records-access.ts'

const logsSchema = z.object({
  items: z.array(
    z.object({
      log: z.string(),
      size: z.int(),
      keys: z.array(z.string()),
      anchored: z.boolean(),
      /** Absent where there are no witnesses. */
      witnessed_size: z.int().optional(),
      witnessed_at: z.string().nullable().optional(),
    }),
  ),
})

/** `ringfence audit logs`: what witnesses and verifiers have to be told of. */
export function addAuditLogs(audit: Command, console: Console): void {
  examples(
    audit
      .command('logs')
      .description('All logs, their public keys, and how far witnesses and anchors are with them.')
      .option('--records <url>', 'the records plane (RINGFENCE_RECORDS)')
      .option('--token <env:NAME>', 'an operator’s token with security:write, in a variable')
      .option('--state <directory>', 'of a platform here', STATE_DIRECTORY_DEFAULT)
      .option('-o, --output <format>', 'table, json or yaml', 'table'),
    'ringfence audit logs',
    "ringfence audit logs -o json | jq -r '.[].keys[]'   # for a witness",
  ).action(async (flags: RecordsFlags & { readonly output: string }) => {
    const format = parseFormat(flags.output)
    const client = new ControlClient(recordsAccess(flags, console))
    const { items } = await client.get('/v1/logs', logsSchema)
    writeList(
      items,
      ({ log, size, keys, anchored, witnessed_size, witnessed_at }) => ({
        log,
        entries: size,
        anchored,
        ...(witnessed_size === undefined
          ? {}
          : { witnessed: witnessed_size, 'witnessed at': witnessed_at ?? undefined }),
        key: keys.at(-1),
      }),
      format,
      console.out,
    )
  })
}
