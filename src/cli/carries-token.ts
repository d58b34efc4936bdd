/** Names of this machine: RFC 6761 keeps `localhost` and all below it for it. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9-]+\.)*localhost)$/

/** A token is sent encrypted, or not off this machine. */
export function carriesToken({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
}

export const NOT_CARRIED =
  'a token is not sent over http:// to another machine: use https://, or a tunnel'
