import { hash } from 'node:crypto'

declare const brand: unique symbol
/** What a token is remembered by: its SHA-256. Tokens themselves are not kept. */
export type TokenKey = string & { readonly [brand]: 'TokenKey' }

export function tokenKeyOf(token: string): TokenKey {
  return hash('sha256', token, 'base64') as TokenKey
}
