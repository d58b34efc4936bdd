import type { AlertSink } from './alert-sink.ts'
import type { Owner } from './alert.ts'
import { headingOf, type Notice, type NoticedAlert } from './notice.ts'

/** Whoever delivers mail. */
export interface AlertMail {
  /**
   * @param id the same for the same mail sent again
   * @throws RingfenceError `engine_unavailable`, `timed_out`; `invalid_argument` for an address that is none
   */
  send(mail: {
    readonly id: string
    readonly owner: Owner
    readonly to: readonly string[]
    readonly subject: string
    readonly text: string
  }): Promise<void>
}

export interface MailSinkOptions {
  readonly owner: Owner
  readonly name: string
  readonly to: readonly string[]
  readonly mail: AlertMail
}

/** Plain text, so that nothing in it is anything but text. */
export function mailSink({ owner, name, to, mail }: MailSinkOptions): AlertSink {
  return {
    owner,
    name,
    deliver: (notice) =>
      mail.send({ id: notice.id, owner, to, subject: headingOf(notice), text: textOf(notice) }),
  }
}

function textOf(notice: Notice): string {
  const { name, owner, firing, resolved, more, repeated } = notice
  const whose = owner === 'platform' ? 'the platform' : owner
  return [
    `${name}, of ${whose}, ${notice.at}${repeated ? ' (still so)' : ''}`,
    ...part('Firing', firing),
    ...part('Resolved', resolved),
    ...(more > 0 ? ['', `and ${more} more`] : []),
    '',
  ].join('\n')
}

function part(title: string, alerts: readonly NoticedAlert[]): string[] {
  if (alerts.length === 0) return []
  return [
    '',
    `${title}:`,
    ...alerts.flatMap(({ severity, summary, since, labels, detail }) => [
      `- [${severity}] ${summary}`,
      `  since ${since}${Object.entries(labels)
        .map(([key, value]) => `, ${key}=${value}`)
        .join('')}`,
      ...(detail === undefined ? [] : detail.split(/\r\n|[\r\n]/).map((text) => `  ${text}`)),
    ]),
  ]
}
