import type { Account } from '../../directory/directory.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { foldEmail } from '../../directory/fold-name.ts'
import type { Rows } from '../../identity-database.ts'
import type { MailOutbox } from '../../mail/mail-outbox.ts'
import { mailOf } from '../../mail/mail-texts.ts'
import type { LinkPurpose } from '../sign-in.ts'
import { readRealm } from '../sign-in-realm.ts'
import { LINK_SECONDS, LinkStore } from './link-store.ts'

/** Makes links and the mails that carry them, with the caller's transaction. */
export class LinkMail {
  readonly #outbox: MailOutbox
  readonly #links = new LinkStore()

  constructor(outbox: MailOutbox) {
    this.#outbox = outbox
  }

  /**
   * @param to the account's address
   * @throws RingfenceError `not_found` (the realm), `overloaded`
   */
  async send(
    rows: Rows,
    tenant: TenantId,
    account: Account,
    to: string,
    purpose: LinkPurpose,
  ): Promise<void> {
    const { subject, displayName } = account
    const realm = await readRealm(rows, tenant)
    const link = { subject, purpose, emailFolded: foldEmail(to) }
    const secret = await this.#links.make(rows, tenant, link)
    const url = `${realm.issuer}/link/${secret}`
    await this.#outbox.enter(rows, tenant, LINK_SECONDS[purpose], (id) =>
      mailOf(purpose, { id, to, realmName: realm.displayName, url, name: displayName }),
    )
  }
}
