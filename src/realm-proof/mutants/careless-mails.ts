import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forgetting, worseQueries, worseQuery } from './forgetting.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { headerIn, worseFront } from './worse-front.ts'

/** The host that the last request named; whoever builds links takes it for ours. */
let named: string | undefined

const LINK_USED =
  /^\s*delete from identity\.mail_link l using (identity\.account a)([\s\S]*)returning ([\s\S]*)$/

export const CARELESS_MAILS: readonly RealmMutant[] = [
  mutant(
    'id-links-of-any-realm',
    'A link is looked up by its secret, whatever the realm',
    ['id-link-other-realm'],
    forgetting('mail_link'),
  ),
  mutant(
    'id-address-changes-of-any-realm',
    'A new address is looked up by its link, whatever the realm',
    ['id-link-address-other-realm'],
    forgetting('email_change'),
  ),
  mutant(
    'id-links-kept',
    'Links stay good when they were used',
    ['id-link-replayed'],
    worseQueries((sql, values) => {
      const [, account, where, columns] = LINK_USED.exec(sql) ?? []
      if (columns !== undefined) {
        return [`select ${columns} from identity.mail_link l, ${account} ${where}`, values]
      }
      return [
        sql.replace('delete from identity.mail_link', 'select from identity.mail_link'),
        values,
      ]
    }),
  ),
  mutant(
    'id-link-host-from-request',
    'Links lead to the host that the request names',
    ['id-link-host'],
    {
      ...worseFront((said, pass) => {
        named = headerIn(said, 'x-forwarded-host')
        return pass(said)
      }),
      ...worseQueries((sql, values) => [
        named === undefined || !/select issuer, display_name, settings ->> 'mfa'/.test(sql)
          ? sql
          : sql.replace('issuer,', `'https://${named}/realms/' || tenant as issuer,`),
        values,
      ]),
    },
  ),
  mutant(
    'id-mail-to-typed',
    'Who types several addresses is written to at the last of them',
    ['id-mail-recipient'],
    {
      parts: ({ directory }) => {
        const find = directory.findBySignInName.bind(directory)
        directory.findBySignInName = async (tenant, name) => {
          const [first = '', ...more] = name.split(/[,;<>"\s]+/).filter((one) => one !== '')
          const found = await find(tenant, first)
          const email = more.at(-1)
          return found === undefined || email === undefined ? found : { ...found, email }
        }
      },
    },
  ),
  mutant('id-mail-as-it-is', 'Names are written into mails as they are', ['id-mail-header'], {
    mailer: (mailer, directory) => ({
      send: async ({ id, to, fromName, subject, text }) => {
        const head = [
          `From: "${fromName}" <no-reply@realm-proof.test>`,
          `To: ${to}`,
          `Subject: ${subject}`,
        ]
        await writeFile(join(directory, `${id}.part`), `${head.join('\r\n')}\r\n\r\n${text}`)
        await rename(join(directory, `${id}.part`), join(directory, `${id}.eml`))
      },
      close: () => mailer.close(),
    }),
  }),
  mutant(
    'id-tries-by-name',
    'Wrong passwords are counted by name and network, whatever the realm',
    ['id-lock-out-other-realm'],
    {
      parts: (parts) => {
        const { sealing } = parts
        const nameFor = sealing.nameFor.bind(sealing)
        let first: Parameters<typeof nameFor>[0] | undefined
        sealing.nameFor = (tenant, ...rest) => nameFor((first ??= tenant), ...rest)
        let counted: unknown
        worseQueries((sql, values) => {
          if (!sql.includes('identity.throttle')) return [sql, values]
          counted ??= values[0]
          return [sql, values.length === 0 ? values : [counted, ...values.slice(1)]]
        }).parts(parts)
      },
    },
  ),
  mutant(
    'id-devices-not-known',
    'Devices that a user has signed in on are not known again',
    ['id-lock-out-by-stranger'],
    worseQuery(
      'from identity.known_device\n       where tenant = $1 and sha256 = $2 and subject = $3',
      'from identity.known_device\n       where tenant = $1 and sha256 = $2 and subject = $3 and false',
    ),
  ),
]
