import type { Socket } from 'node:net'
import type { Outside } from '../../alerts/outside.ts'
import type { AuditEntry } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { EnteredEntry } from '../log/log-store.ts'
import type { SinkSettings } from './sink-settings.ts'
import { type Batch, linesOf, type Stream, TAKEN } from './stream.ts'

type Settings = Extract<SinkSettings, { kind: 'syslog' }>

/** RFC 5424, 6.2.1: "log audit". */
const FACILITY = 13
const SEVERITY = { allowed: 6, done: 6, denied: 4, failed: 4 } as const
const MSGID_MAX = 32

/**
 * Syslog (RFC 5424), an entry a message, its text JSON, each behind its length (RFC 6587's octet counting,
 * which RFC 5425 asks for over TLS). A batch is a connection. Syslog answers nothing: what a receiver loses
 * after it took it from the network is lost to it, and stays in the log.
 * @param hostname which installation says it
 * @throws RingfenceError `invalid_argument` for an address that is not to be used
 */
export function syslogStream(settings: Settings, hostname: string, outside: Outside): Stream {
  const { host, port, tls, ca, format } = settings
  const place = host.includes(':') ? `[${host}]` : host
  const url = outside.url(`${tls ? 'https' : 'http'}://${place}:${port}`)
  return {
    most: { entries: 500, bytes: 1024 * 1024 },
    async deliver(batch) {
      const messages = messagesOf(batch, format, hostname)
      if (messages.length > 0) await written(await outside.connect(url, ca), messages.join(''))
      return TAKEN
    },
  }
}

function messagesOf(batch: Batch, format: Settings['format'], hostname: string): string[] {
  return batch.entries.flatMap((one) => {
    const [line] = linesOf({ ...batch, entries: [one] }, format)
    return line === undefined ? [] : [framed(messageOf(one, line, hostname))]
  })
}

/** Text in ASCII alone needs no byte-order mark. */
function messageOf({ entry }: EnteredEntry, line: string, hostname: string): string {
  const severity = entry === undefined ? 6 : SEVERITY[entry.decision]
  const action: AuditEntry['action'] = entry?.action.slice(0, MSGID_MAX) ?? '-'
  const text = line.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `<${FACILITY * 8 + severity}>1 ${entry?.time ?? '-'} ${hostname} ringfence - ${action} - ${text}`
}

const framed = (message: string) => `${Buffer.byteLength(message)} ${message}`

/** Waits until the other end has closed as well: then the system there has all of it. */
function written(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) =>
      reject(
        new RingfenceError('engine_unavailable', 'the receiver does not answer', { cause: error }),
      ),
    )
    socket.once('close', (hadError: boolean) => {
      if (!hadError) resolve()
    })
    socket.resume()
    socket.end(text)
  })
}
