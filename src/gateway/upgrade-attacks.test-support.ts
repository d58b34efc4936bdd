import type { GatewayAttack } from './attacks.test-support.ts'
import { tokenOf } from './door.test-support.ts'
import { acmeSocket, openSocket, UPGRADES } from './upgrade.test-support.ts'

export const UPGRADE_ATTACKS: readonly GatewayAttack[] = [
  {
    title: 'a switch to a protocol that nobody allowed, where WebSockets are allowed',
    against: 'no-upgrade',
    async run(door) {
      door.source.change('acme', UPGRADES)
      await door.raw(
        [
          'GET /t/acme/live/x HTTP/1.1',
          'Host: api.example',
          `Authorization: Bearer ${tokenOf('acme')}`,
          'Connection: upgrade, close',
          'Upgrade: h2c\r\n\r\n',
        ].join('\r\n'),
      )
      return door.upstream.seen.length > 0
    },
  },
  {
    title: 'a WebSocket where the contract has none',
    against: 'upgrade-of-the-api',
    async run(door) {
      door.source.change('acme', UPGRADES)
      const asked = { path: '/t/acme/clinic/x', token: tokenOf('acme') }
      const { socket } = await openSocket(door.port, asked)
      socket.terminate()
      return door.upstream.seen.length > 0
    },
  },
  {
    title: 'more WebSockets than there are to be',
    against: 'upgrades-at-once',
    options: { limits: { upgradesPerTenant: 1 } },
    async run(door) {
      door.source.change('acme', UPGRADES)
      const opened = [await acmeSocket(door), await acmeSocket(door)]
      for (const { socket } of opened) socket.terminate()
      return opened.every(({ outcome }) => outcome === 'open')
    },
  },
]
