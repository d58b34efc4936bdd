import { RingfenceError } from '../../core/errors.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Duel, Guest } from '../duel.ts'
import { PASSWORD, PERSON } from '../house/party.ts'
import { mailHeaders, shown } from '../house/mail-headers.ts'
import { attackOf, type RealmAttack } from './attack.ts'

const write = attackOf('write')
const THIEF = 'thief@evil.test'
const WORD = `=?utf-8?Q?Ada=0D=0ABcc:_${THIEF}?=`

/** Names that would be more than a name where they stand in a mail. */
const NAMES = [
  `Ada\r\nBcc: ${THIEF}`,
  `Ada\u2028Bcc: ${THIEF}`,
  WORD,
  `=?utf-8?B?${Buffer.from(`Ada\r\nBcc: ${THIEF}`).toString('base64')}?=`,
  `Ada" <${THIEF}>, "`,
]

/** What somebody types who would have the mail of another. */
const typed = (email: string) => [
  `${email}\r\nBcc: ${THIEF}`,
  `${email},${THIEF}`,
  `${email}, ${THIEF}`,
  `${email} <${THIEF}>`,
  `"${email}" <${THIEF}>`,
  `=?utf-8?Q?${email}=0D=0ABcc:_${THIEF}?=`,
]

/** Mails that are not as the good one is: more in the header, or to somebody else. */
function bent(mails: readonly string[], good: string, to: readonly string[]): readonly string[] {
  const names = mailHeaders(good).names.toSorted().join()
  return mails.filter((mail) => {
    const headers = mailHeaders(mail)
    const words = shown(`${headers.value('from')} ${headers.value('subject')}`)
    const whole = headers.names.toSorted().join() === names && to.includes(headers.value('to'))
    const from = headers.value('from').endsWith(' <no-reply@realm-proof.test>')
    return !whole || !from || /[\r\n]/.test(words)
  })
}

/** A name is put where it would go into mails. What refuses it has done its part. */
async function attempted(put: () => Promise<unknown>): Promise<boolean> {
  try {
    await put()
    return true
  } catch (error) {
    if (error instanceof RingfenceError) return false
    throw error
  }
}

/** A guest who has a password, and so can recover. */
export async function member(duel: Duel): Promise<Guest> {
  const guest = await duel.guest()
  const { passwords } = duel.plane.mounted.services
  await passwords.setFirst(duel.victim.tenant, guest.subject, PASSWORD)
  return guest
}

export const MAIL_HEADERS: readonly RealmAttack[] = [
  write('id-mail-recipient', 'A second recipient for the mail of another', async (duel) => {
    const { victim } = duel
    const [guest, other] = [await member(duel), await member(duel)]
    const recover = async (name: string) => {
      const browser = duel.browser()
      const page = await browser.get(`${victim.issuer}/recover`)
      return browser.submit(page, '/recover', { name })
    }
    const good = await duel.mailed(guest.email, () => recover(guest.name))
    must(mailHeaders(good).value('to') === guest.email, 'be sent a link')
    duel.othersWork()
    return {
      owner: 'the user was sent a link',
      attempt: async () => {
        await duel.mails()
        for (const name of typed(guest.email)) await recover(name)
        // Who asked later is answered later.
        await duel.mailed(other.email, () => recover(other.name))
        const mails = await duel.mails()
        const wrong = bent(mails, good, [guest.email, other.email])
        return {
          crossed: wrong.length > 0,
          met: `${wrong.length} of ${mails.length + 1} were bent`,
        }
      },
    }
  }),
  write('id-mail-header', 'Names and addresses with lines and words of their own', async (duel) => {
    const { attacker, victim } = duel
    const { realms, parts } = duel.plane.identity
    const { links } = duel.plane.mounted.services
    const guest = await duel.guest()
    const invited = () => duel.mailed(guest.email, () => links.invite(victim.tenant, guest.subject))
    const good = await invited()
    must(mailHeaders(good).value('to') === guest.email, 'be invited by mail')
    duel.afterwards(() => realms.ensure(attacker.tenant, `Clinic ${attacker.tenant}`))
    duel.othersWork()
    return {
      owner: 'the user was invited by mail',
      attempt: async () => {
        const mails: string[] = []
        for (const name of NAMES) {
          const user = { displayName: name, givenName: name }
          await attempted(() => parts.directory.changeAccount(victim.tenant, guest.subject, user))
          mails.push(await invited())
          await attempted(() => realms.ensure(attacker.tenant, name))
          const address = attacker.mailCanary
          mails.push(await duel.mailed(address, () => links.invite(attacker.tenant, PERSON)))
        }
        let taken = 0
        for (const email of typed(guest.email)) {
          const put = { email, emailVerified: true }
          const change = () => parts.directory.changeAccount(victim.tenant, guest.subject, put)
          if (await attempted(change)) taken += 1
        }
        const wrong = bent(mails, good, [guest.email, attacker.mailCanary])
        const met = `${wrong.length} of ${mails.length} mails were bent, ${taken} addresses taken`
        return { crossed: wrong.length + taken > 0, met }
      },
    }
  }),
]
