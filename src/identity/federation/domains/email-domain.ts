import { domainToASCII } from 'node:url'
import { RingfenceError } from '../../../core/errors.ts'
import { foldEmail } from '../../directory/fold-name.ts'

declare const emailDomainBrand: unique symbol

/** A domain of e-mail addresses in ASCII, lower case: `acme.example`. */
export type EmailDomain = string & { readonly [emailDomainBrand]: true }

const CHARACTERS_MAX = 253
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** @throws RingfenceError `invalid_argument` */
export function parseEmailDomain(value: unknown): EmailDomain {
  const domain = typeof value === 'string' ? asciiOf(value) : undefined
  if (domain !== undefined) return domain
  throw new RingfenceError('invalid_argument', 'a domain is a name like acme.example')
}

/** The domain of an address, or undefined for what the directory would not take for one. */
export function domainOfEmail(address: string): EmailDomain | undefined {
  try {
    return asciiOf(foldEmail(address).split('@')[1] ?? '')
  } catch {
    return undefined
  }
}

/** Undefined for what is no domain, or a top-level one, or an address in numbers. */
function asciiOf(text: string): EmailDomain | undefined {
  if (text.length > CHARACTERS_MAX || /[\s%/:@[\]\\?#]/.test(text)) return undefined
  const ascii = domainToASCII(text)
  const labels = ascii.split('.')
  const isDomain =
    ascii.length <= CHARACTERS_MAX &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '')
  return isDomain ? (ascii as EmailDomain) : undefined
}
