import type { Mail } from './mail.ts'

/** Each has a link, but the last two, which tell somebody something. */
export type MailKind =
  | 'recovery'
  | 'invitation'
  | 'verify_email'
  | 'change_email'
  | 'email_change_asked'
  | 'email_changed'

/** What a mail is made of. */
export interface MailContent {
  readonly id: string
  readonly to: string
  /** The realm's display name. */
  readonly realmName: string
  /** Where the mail leads; undefined of one that only tells. */
  readonly url: string | undefined
  /** How the user is addressed, if known. */
  readonly name: string | undefined
}

interface Words {
  readonly subject: string
  readonly lead: string
  readonly button?: string
  readonly end: string
}

const WORDS: Readonly<Record<MailKind, Words>> = {
  recovery: {
    subject: 'Set a new password',
    lead: 'Somebody, hopefully you, has asked to set a new password for your account at {realm}.',
    button: 'Set a new password',
    end: 'The link works once, for 30 minutes. If it was not you, do nothing: your password stays as it is.',
  },
  invitation: {
    subject: 'Your account',
    lead: 'An account has been made for you at {realm}. Choose a password to begin.',
    button: 'Choose a password',
    end: 'The link works once, for 7 days. If you expected no account, do nothing.',
  },
  verify_email: {
    subject: 'Confirm your address',
    lead: 'Confirm that this address belongs to your account at {realm}.',
    button: 'Confirm the address',
    end: 'The link works once, for 24 hours. If you have no such account, do nothing.',
  },
  change_email: {
    subject: 'Confirm your new address',
    lead: 'This address is to be the one of an account at {realm}. Confirm that it is yours.',
    button: 'Confirm the new address',
    end: 'The link works once, for an hour. If you have asked for nothing, do nothing: no account gets your address.',
  },
  email_change_asked: {
    subject: 'Another address for your account',
    lead: 'Somebody, hopefully you, wants your account at {realm} to have another address than this one. Nothing has changed yet.',
    end: 'If it was not you, change your password now: it stops this. Then look at where you are signed in.',
  },
  email_changed: {
    subject: 'Your address was changed',
    lead: 'Your account at {realm} has another address now. Nothing more comes to this one.',
    end: 'If it was not you, tell your administrator at once.',
  },
}

/** The mail, as plain text and as HTML that fetches nothing. Names are text in both. */
export function mailOf(kind: MailKind, content: MailContent): Mail {
  const words = WORDS[kind]
  const realm = oneLine(content.realmName)
  const hello = content.name === undefined ? 'Hello,' : `Hello ${oneLine(content.name)},`
  const lead = words.lead.replace('{realm}', () => realm)
  return {
    id: content.id,
    to: content.to,
    fromName: realm,
    subject: `${words.subject} – ${realm}`,
    text: [hello, lead, ...(content.url === undefined ? [] : [content.url]), words.end, realm].join(
      '\n\n',
    ),
    html: [
      '<!doctype html><html lang="en"><head><meta charset="utf-8"><title></title></head>',
      '<body style="font-family:sans-serif;line-height:1.5;color:#1b1b1f;max-width:34rem">',
      `<p>${escaped(hello)}</p><p>${escaped(lead)}</p>`,
      ...(content.url === undefined
        ? []
        : [`<p><a href="${escaped(content.url)}">${words.button ?? content.url}</a></p>`]),
      `<p style="color:#55555f">${escaped(words.end)}</p><p>${escaped(realm)}</p></body></html>`,
    ].join('\n'),
  }
}

const NAME_MAX = 200
/** A name with line breaks or controls would make lines of its own. */
const oneLine = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+/gu, ' ')
    .trim()
    .slice(0, NAME_MAX) || 'your account'

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
