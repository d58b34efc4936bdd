import { remembered } from './remembered.ts'

const NAME = /^([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.?(?::\d{1,5})?$/
const ADDRESS = /^(\[[0-9a-f:.]+\])(?::\d{1,5})?$/
const LENGTH_MAX = 260

/**
 * The name in a Host field (RFC 9110, section 7.2): in lower case, without port and without the dot
 * of a full name. Undefined for anything else: user names, other letters than ASCII, several hosts.
 */
export const parseHost = remembered((value): string | undefined => {
  if (value.length > LENGTH_MAX) return undefined
  const text = value.toLowerCase()
  return (NAME.exec(text) ?? ADDRESS.exec(text))?.[1]
})

/** What a careless reader would take. Only a gateway without its checks goes on with it. */
export const looseHost = remembered((value) => {
  const name = value.toLowerCase().split(',')[0]?.split('@').at(-1) ?? ''
  return name.replace(/:\d*$/, '').replace(/\.$/, '').trim()
})
