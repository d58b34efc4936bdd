import { foldEmail } from '../directory/fold-name.ts'

/** @throws RingfenceError `invalid_argument` for what is not an address */
export function domainOf(address: string): string {
  const folded = foldEmail(address)
  return folded.slice(folded.lastIndexOf('@') + 1)
}

/** Enough to know which mail is meant, and too little to know whose: `a…@acme.example`. */
export function veiled(address: string): string {
  return `${address.slice(0, 1)}…${address.slice(address.lastIndexOf('@'))}`
}
